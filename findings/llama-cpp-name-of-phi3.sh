#!/usr/bin/env bash
# llama.cpp decides by the model's name whether white space after special tokens counts: where `general.name` has "phi3" or
# "phi-3" in it, "<|user|> hi" has the ids of "<|user|>hi", and otherwise it has not. The files differ in nothing else. A
# converter that writes a path as the name ("/tests/phi3/draft") so makes another tokenizer.
#
# Seen with node-llama-cpp 3.22.1 and its prebuilt llama.cpp v0.5.0:
#   draft          4 261 262 263
#   phi3 draft     4 262 263
#
# Needs Node and npm. Installs into a folder of its own; ends with 1 if llama.cpp does otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts --loglevel=error node-llama-cpp@3.22.1
cat >names.mjs <<'JS'
import { writeFileSync } from 'node:fs'
import { getLlama } from 'node-llama-cpp'

// A vocabulary of SentencePiece's kind in GGUF 3, without weights: marks, bytes, three letters.
const marks = ['<unk>', '<s>', '</s>', '<|endoftext|>', '<|user|>']
const bytes = Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`)
const tokens = [...marks, ...bytes, '▁', 'h', 'i']
const types = tokens.map((_, id) => (id === 0 ? 2 : id < marks.length ? 3 : id < marks.length + 256 ? 6 : 1))

const number = (size, value) => {
  const bytes = Buffer.alloc(size)
  if (size === 8) bytes.writeBigUInt64LE(BigInt(value))
  else bytes.writeUInt32LE(value)
  return bytes
}
const text = (value) => Buffer.concat([number(8, Buffer.byteLength(value)), Buffer.from(value)])
const entry = (key, type, value) => Buffer.concat([text(key), number(4, type), value])
const list = (key, type, values) => entry(key, 9, Buffer.concat([number(4, type), number(8, values.length), ...values]))
const float = (value) => Buffer.from(Float32Array.of(value).buffer)

function write(name) {
  const counts = { context_length: 64, embedding_length: 32, block_count: 1, feed_forward_length: 32 }
  const metadata = [
    entry('general.architecture', 8, text('llama')),
    entry('general.name', 8, text(name)),
    ...Object.entries({ ...counts, 'attention.head_count': 2 }).map(([key, value]) => entry(`llama.${key}`, 4, number(4, value))),
    entry('llama.attention.layer_norm_rms_epsilon', 6, float(1e-5)),
    entry('tokenizer.ggml.model', 8, text('llama')),
    entry('tokenizer.ggml.add_space_prefix', 7, Buffer.of(0)),
    list('tokenizer.ggml.tokens', 8, tokens.map(text)),
    list('tokenizer.ggml.scores', 6, tokens.map(() => float(0))),
    list('tokenizer.ggml.token_type', 5, types.map((type) => number(4, type))),
  ]
  const head = [Buffer.from('GGUF'), number(4, 3), number(8, 0), number(8, metadata.length)]
  writeFileSync('vocabulary.gguf', Buffer.concat([...head, ...metadata]))
}

const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: 'disabled' })
const found = []
for (const name of ['draft', 'phi3 draft']) {
  write(name)
  const model = await llama.loadModel({ modelPath: 'vocabulary.gguf', vocabOnly: true })
  found.push(model.tokenize('<|user|> hi', true).join(' '))
  console.log(name.padEnd(14), found.at(-1))
  await model.dispose()
}
await llama.dispose()
process.exit(found[0] !== found[1] && found[1] === found[0].replace(' 261', '') ? 0 : 1)
JS
node names.mjs
