import { OutriderError } from '@outrider/tensor'
import type { Directory } from './directory'
import { insteadOf } from './instead'

/**
 * The file's JSON, as `parseJson` reads it.
 *
 * @throws OutriderError FILE_MISSING, FILE_FORMAT (the message has the parser's line or position)
 */
export async function readJson(directory: Directory, file: string): Promise<unknown> {
  return parseJson(await directory.readText(file), `${directory.name}/${file}`)
}

/**
 * Parses JSON text; `where` names it in the error. NaN, Infinity and -Infinity, which Python's json writes and reads though
 * JSON has no word for them (RFC 8259 §6), are those numbers: who uses a field refuses them there, by the field's name.
 *
 * @throws OutriderError FILE_FORMAT (the message has the parser's line or position)
 */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (strict) {
    const lenient = withoutPythonNumbers(text)
    if (!lenient) throw invalid(text, where, strict)
    try {
      return JSON.parse(lenient.text, (_, value) => (value === lenient.nan ? Number.NaN : value))
    } catch (cause) {
      const quoted = (cause as Error).message.replaceAll(`"${lenient.nan}"`, 'NaN').replaceAll(tooLarge, 'Infinity')
      throw invalid(text, where, new SyntaxError(quoted, { cause }))
    }
  }
}

function invalid(text: string, where: string, cause: unknown): OutriderError {
  const instead = insteadOf(new TextEncoder().encode(text.slice(0, 512)))
  const what = instead ? `it is ${instead.what}` : (cause as Error).message
  return new OutriderError('FILE_FORMAT', `${where} is not valid JSON: ${what}.`, {
    remedy: instead?.remedy ?? 'The file may be cut off; copy or download it again.',
    cause,
    details: { file: where },
  })
}

/** A number that is read as infinity, as long as its name. */
const tooLarge = '1e999999'

/**
 * The text with what JSON can say in place of Python's words, as long as they are, so that positions in errors stay true: a
 * number too large for Infinity, and for NaN a string of one character that is nowhere in the text. Undefined where it has none.
 */
function withoutPythonNumbers(text: string): { text: string; nan: string } | undefined {
  const places = pythonNumbers(text)
  if (places.length === 0) return undefined
  let mark = 0xe000
  while (text.includes(String.fromCharCode(mark))) mark++
  const nan = String.fromCharCode(mark)
  const pieces: string[] = []
  let end = 0
  for (const { at, word } of places) {
    pieces.push(text.slice(end, at), word === 'NaN' ? `"${nan}"` : tooLarge)
    end = at + word.length
  }
  return { text: pieces.join('') + text.slice(end), nan }
}

/** Where NaN and Infinity stand as values. */
function pythonNumbers(text: string): { at: number; word: string }[] {
  const places: { at: number; word: string }[] = []
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at)
    else if (character === 'N' || character === 'I') {
      const word = character === 'N' ? 'NaN' : 'Infinity'
      const isValue =
        text.startsWith(word, at) && !/[\w.]/.test(text[at - 1] ?? '') && endsValue(text, at + word.length)
      if (isValue) places.push({ at, word })
    }
  }
  return places
}

function endsValue(text: string, at: number): boolean {
  let next = at
  while (/\s/.test(text[next] ?? '')) next++
  return [',', ']', '}', undefined].includes(text[next])
}

/** The closing quotation mark of the string that opens at `at`. */
function endOfString(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '"') return i
  }
  return text.length
}
