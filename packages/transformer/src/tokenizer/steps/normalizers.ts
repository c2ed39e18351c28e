import { charOfByte } from '../byte-alphabet'
import { beyondTokenizerLimit } from '../counted-reg-exp'
import { bertNormalizer } from './bert-normalizer'
import { classOf, space } from './characters'
import { lowercase } from './lowercase'
import { replacement } from './pattern'
import { precompiled } from './precompiled'
import type { StepFields } from './step'

/** Rewrites a text before it is cut into words. */
export type Normalizer = (text: string) => string

/**
 * The `normalizer` of a tokenizer.json, as Hugging Face's tokenizers 0.23 does it. The forms of Unicode are the engine's: of
 * newer versions of Unicode it knows more characters.
 *
 * @throws OutriderError UNSUPPORTED for a step that is not known, by name; FILE_FORMAT
 */
export const normalizer = (step: StepFields): Normalizer => step.known(normalizers)(step)

/** The kinds of steps, and their keys. */
export const normalizers: Readonly<
  Record<string, { keys: readonly string[]; make: (step: StepFields) => Normalizer }>
> = {
  Sequence: {
    keys: ['normalizers'],
    make: (step) => {
      const steps = step.steps('normalizers', normalizer)
      return (text) => steps.reduce((normal, one) => one(normal), text)
    },
  },
  NFC: form('NFC'),
  NFD: form('NFD'),
  NFKC: form('NFKC'),
  NFKD: form('NFKD'),
  Lowercase: { keys: [], make: () => lowercase },
  Strip: { keys: ['strip_left', 'strip_right'], make: strip },
  StripAccents: { keys: [], make: () => (text) => text.replace(/\p{M}/gu, '') },
  Replace: { keys: ['pattern', 'content'], make: (step) => replacement(step) },
  Prepend: {
    keys: ['prepend'],
    make: (step) => {
      const mark = step.text('prepend')
      const most = step.context.limits.tokenCharacters
      if (mark.length > most)
        throw beyondTokenizerLimit(`what is put before a text has ${mark.length} characters, more than ${most}`)
      return (text) => (text === '' ? '' : mark + text)
    },
  },
  ByteLevel: { keys: [], make: byteLevel },
  Nmt: { keys: [], make: () => nmt },
  BertNormalizer: {
    keys: ['clean_text', 'handle_chinese_chars', 'strip_accents', 'lowercase'],
    make: bertNormalizer,
  },
  Precompiled: { keys: ['precompiled_charsmap'], make: precompiled },
}

function form(name: 'NFC' | 'NFD' | 'NFKC' | 'NFKD') {
  return { keys: [], make: () => (text: string) => text.normalize(name) }
}

function strip(step: StepFields): Normalizer {
  const [left, right] = [step.flag('strip_left'), step.flag('strip_right')]
  const isSpace = new RegExp(`^[${space}]$`, 'u')
  return (text) => {
    let [start, end] = [0, text.length]
    // White space is of one UTF-16 unit each.
    while (left && start < end && isSpace.test(text[start]!)) start++
    while (right && end > start && isSpace.test(text[end - 1]!)) end--
    return text.slice(start, end)
  }
}

function byteLevel(): Normalizer {
  const utf8 = new TextEncoder()
  return (text) => {
    let bytes = ''
    for (const byte of utf8.encode(text)) bytes += charOfByte[byte]
    return bytes
  }
}

/** SentencePiece's `nmt`: control characters go, blanks of all kinds are spaces. */
const nmt: Normalizer = (text) =>
  text.replace(nmtRemoved, '').replace(/[\t\n\f\r\u1680\u200B-\u200F\u2028\u2029\u2581\uFEFF\uFFFD]/g, ' ')

const nmtRemoved = classOf('\\u0001-\\u0008\\u000B\\u000E-\\u001F\\u007F\\u008F\\u009F')
