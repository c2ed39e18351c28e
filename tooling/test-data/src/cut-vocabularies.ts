// Cuts llama.cpp's vocabulary files and Phi-3's tokenizer.json to what the conformance texts can reach, and numbers the
// pieces that are left anew, in their old order. What llama.cpp says of the texts is renumbered with them: a piece is
// left out only if no text holds it, so no merge that makes it can ever apply, and every other one applies as before.
// Kept besides, so that other texts are not cut into single bytes: all pieces of one character, the first thousand, and
// whatever is no ordinary piece.
//
//   npm run cut-vocabularies -- FOLDER_OF_LLAMA_CPPS_MODELS TOKENIZER_JSON_OF_PHI_3
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type GgufMetadataValue, openGguf } from '../../../packages/transformer/src/files/gguf/read'
import type { GgufValue } from '../../../packages/transformer/src/files/gguf/value'
import { writeGguf } from '../../../packages/transformer/src/files/gguf/write'
import { directory } from '../../../packages/transformer/src/files/index'
import { charOfByte } from '../../../packages/transformer/src/tokenizer/byte-alphabet'

const [from, phi3Json] = process.argv.slice(2)
if (!from || !phi3Json) throw new Error('Say where the ggml-vocab-*.gguf files and the tokenizer.json of Phi-3 are.')
const out = fileURLToPath(new URL('../vocabularies/', import.meta.url))
const separator = '\n__ggml_vocab_test__\n'
const alwaysKept = 1000
const normal = 1

const conformance = readFileSync(`${from}/ggml-vocab-phi-3.gguf.inp`, 'utf8')
writeFileSync(`${out}texts.txt`, conformance)
const texts = conformance.split(separator)

for (const name of ['llama-spm', 'phi-3', 'gpt-2', 'falcon']) await cutGguf(name)
cutTokenizerJson()

async function cutGguf(name: string): Promise<void> {
  const { metadata } = await openGguf(directory(from!), `ggml-vocab-${name}.gguf`)
  const field = (key: string) => metadata.get(`tokenizer.ggml.${key}`)
  const pieces = field('tokens') as string[]
  const kinds = field('token_type') as number[]
  const written = field('model') === 'llama' ? withVisibleSpaces(texts) : texts.map(inByteAlphabet)
  const kept = keptIds(pieces, written, (id) => kinds[id] !== normal)
  const renumbered = new Map(kept.map((id, at) => [id, at]))
  const left = new Set(kept.map((id) => pieces[id]!))

  const cut = new Map<string, GgufValue>()
  for (const [key, value] of metadata) {
    const short = key.replace(/^tokenizer\.ggml\./, '')
    if (key.startsWith('general.')) {
      if (key === 'general.architecture') cut.set(key, { type: 'string', value: value as string })
    } else if (!key.startsWith('tokenizer.')) continue
    else if (short === 'tokens') cut.set(key, { type: 'string[]', value: kept.map((id) => pieces[id]!) })
    else if (short === 'token_type') cut.set(key, { type: 'i32[]', value: kept.map((id) => kinds[id]!) })
    else if (short === 'scores') cut.set(key, { type: 'f32[]', value: kept.map((id) => (value as number[])[id]!) })
    else if (short === 'merges')
      cut.set(key, { type: 'string[]', value: (value as string[]).filter((merge) => left.has(made(merge))) })
    else if (short.endsWith('_token_id')) cut.set(key, { type: 'u32', value: renumbered.get(value as number)! })
    else cut.set(key, scalar(value))
  }
  await writeGguf(directory(out), `${name}.gguf`, { metadata: cut, tensors: [] })

  const expected = readFileSync(`${from}/ggml-vocab-${name}.gguf.out`, 'utf8').split('\n').slice(0, texts.length)
  const ids = expected.map((line) => (line.match(/\d+/g) ?? []).map((id) => renumbered.get(Number(id))!).join(' '))
  writeFileSync(`${out}${name}.ids`, `${ids.join('\n')}\n`)
  console.log(`${name}: ${kept.length} of ${pieces.length} pieces`)
}

/** The same pieces as tokenizer.json has them: its ids are those of phi-3.gguf. */
function cutTokenizerJson(): void {
  const json = JSON.parse(readFileSync(phi3Json!, 'utf8')) as {
    added_tokens: { id: number; content: string }[]
    model: { vocab: Record<string, number>; merges: string[] }
  }
  const pieces: string[] = []
  for (const [piece, id] of Object.entries(json.model.vocab)) pieces[id] = piece
  const added = new Map(json.added_tokens.map(({ id, content }) => [id, content]))
  for (const [id, content] of added) pieces[id] = content
  const kept = keptIds(pieces, withVisibleSpaces(texts), (id) => added.has(id) || /^<0x..>$/.test(pieces[id]!))
  const renumbered = new Map(kept.map((id, at) => [id, at]))
  const vocab: Record<string, number> = {}
  for (const id of kept) if (json.model.vocab[pieces[id]!] !== undefined) vocab[pieces[id]!] = renumbered.get(id)!
  json.model.vocab = vocab
  json.model.merges = json.model.merges.filter((merge) => vocab[made(merge)] !== undefined)
  for (const token of json.added_tokens) token.id = renumbered.get(token.id)!
  writeFileSync(`${out}phi-3/tokenizer.json`, JSON.stringify(json))
  console.log(`tokenizer.json: ${kept.length} of ${pieces.length} pieces`)
}

function keptIds(pieces: string[], written: string[], isKept: (id: number) => boolean): number[] {
  const reached = (piece: string, id: number) =>
    id < alwaysKept || [...piece].length === 1 || isKept(id) || written.some((text) => text.includes(piece))
  return [...pieces.keys()].filter((id) => reached(pieces[id]!, id))
}

function withVisibleSpaces(texts: string[]): string[] {
  return texts.map((text) => `▁${text}`.replaceAll(' ', '▁'))
}

function inByteAlphabet(text: string): string {
  return [...new TextEncoder().encode(text)].map((byte) => charOfByte[byte]).join('')
}

/** The piece that a merge makes; the space that divides it is the first after a character. */
function made(merge: string): string {
  const at = merge.indexOf(' ', 1)
  return merge.slice(0, at) + merge.slice(at + 1)
}

function scalar(value: GgufMetadataValue): GgufValue {
  if (typeof value === 'boolean') return { type: 'bool', value }
  if (typeof value === 'string') return { type: 'string', value }
  if (typeof value === 'number') return { type: 'u32', value }
  throw new Error(`A list that is not known: ${JSON.stringify(value).slice(0, 80)}`)
}
