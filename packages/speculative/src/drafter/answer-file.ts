import { OutriderError } from '@outrider/tensor'
import type { Vocabulary } from './answer-table'
import { noText } from './token-index'

const format = 'outrider answers'
const version = 1
/** No header is longer. */
const mostHeaderBytes = 1024

/**
 * Tokens of answers as a file: a line of JSON, which says whose tokens they are, how many, and their hash; then the tokens, u32 in
 * little-endian order, with 0xffffffff after each answer.
 */
export function answerFile(
  { vocabularySize, fingerprint }: Vocabulary,
  tokens: readonly number[],
): Uint8Array<ArrayBuffer> {
  const header = {
    format,
    version,
    vocabulary_size: vocabularySize,
    fingerprint,
    tokens: tokens.length,
    hash: hashOf(tokens),
  }
  const line = new TextEncoder().encode(`${JSON.stringify(header)}\n`)
  const bytes = new Uint8Array(line.length + 4 * tokens.length)
  bytes.set(line)
  const view = new DataView(bytes.buffer, line.length)
  for (const [i, token] of tokens.entries()) view.setUint32(4 * i, token, true)
  return bytes
}

/**
 * The tokens of such a file.
 *
 * @param where  the file's name, for errors
 * @throws OutriderError FILE_FORMAT where it is no such file, was cut or changed, or is of a later version; VOCABULARY_MISMATCH
 *   where its tokens are those of another tokenizer
 */
export function readAnswerFile(bytes: Uint8Array, vocabulary: Vocabulary, where: string): number[] {
  const end = bytes.subarray(0, mostHeaderBytes).indexOf(10)
  const header = headerOf(bytes.subarray(0, Math.max(0, end)))
  if (header?.format !== format) throw damaged(where, 'is no table of answers')
  if (header.version !== version)
    throw new OutriderError(
      'FILE_FORMAT',
      `${where} has version ${JSON.stringify(header.version)}; this one reads ${version}.`,
      {
        remedy: 'Read it with the version of Outrider that wrote it, or make it anew.',
      },
    )
  if (header.vocabulary_size !== vocabulary.vocabularySize || header.fingerprint !== vocabulary.fingerprint)
    throw new OutriderError('VOCABULARY_MISMATCH', `${where} has answers in the tokens of another tokenizer.`, {
      remedy: 'Make the table from answers of this target.',
      details: { vocabularySize: header.vocabulary_size, fingerprint: header.fingerprint },
    })
  const body = bytes.subarray(end + 1)
  if (body.length !== 4 * Number(header.tokens))
    throw damaged(where, `has ${body.length} bytes after its header, but says ${header.tokens} tokens of 4`)
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const tokens = Array.from({ length: body.length / 4 }, (_, i) => view.getUint32(4 * i, true))
  const unknown = tokens.find((token) => token >= vocabulary.vocabularySize && token !== noText)
  if (unknown !== undefined)
    throw damaged(where, `has token ${unknown} of a vocabulary of ${vocabulary.vocabularySize}`)
  if (hashOf(tokens) !== header.hash) throw damaged(where, 'has changed since it was written')
  return tokens
}

function headerOf(line: Uint8Array): Record<string, unknown> | null {
  try {
    return JSON.parse(new TextDecoder().decode(line))
  } catch {
    return null
  }
}

/** FNV-1a over words: a change of any one of them changes it. */
function hashOf(tokens: readonly number[]): number {
  let hash = 0x811c9dc5
  for (const token of tokens) hash = Math.imul(hash ^ token, 0x01000193)
  return hash >>> 0
}

const damaged = (where: string, what: string) =>
  new OutriderError('FILE_FORMAT', `${where} ${what}.`, { remedy: 'Make it anew from the answers.' })
