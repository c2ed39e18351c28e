import { charOfByte } from '../byte-alphabet'
import { gpt2 } from '../known-expressions'
import { classOf, numeral, punctuation, space, word } from './characters'
import { patternOf } from './pattern'
import type { StepFields } from './step'
import { type Behavior, behaviors, cut, partsOf, type Word } from './word'

/** Cuts words into shorter ones. */
export type PreTokenizer = (words: readonly Word[]) => Word[]

/**
 * The `pre_tokenizer` of a tokenizer.json, as Hugging Face's tokenizers 0.23 does it (not as its JavaScript library, which
 * knows fewer characters and behaviours).
 *
 * @throws OutriderError UNSUPPORTED for a step that is not known, by name; FILE_FORMAT
 */
export const preTokenizer = (step: StepFields): PreTokenizer => step.known(preTokenizers)(step)

/** The kinds of steps, and their keys; `trim_offsets` changes no token. */
export const preTokenizers: Readonly<
  Record<string, { keys: readonly string[]; make: (step: StepFields) => PreTokenizer }>
> = {
  Sequence: { keys: ['pretokenizers'], make: sequence },
  ByteLevel: { keys: ['add_prefix_space', 'trim_offsets', 'use_regex'], make: byteLevel },
  Metaspace: { keys: ['replacement', 'prepend_scheme', 'split', 'add_prefix_space', 'str_rep'], make: metaspace },
  Split: { keys: ['pattern', 'behavior', 'invert'], make: split },
  Digits: {
    keys: ['individual_digits'],
    make: (step) => cutting(classOf(numeral), step.flag('individual_digits') ? 'Isolated' : 'Contiguous'),
  },
  Punctuation: {
    keys: ['behavior'],
    make: (step) => cutting(classOf(punctuation), step.oneOf('behavior', behaviors, 'Isolated')),
  },
  Whitespace: { keys: [], make: () => keeping(new RegExp(`[${word}]+|[^${word}${space}]+`, 'gu')) },
  WhitespaceSplit: { keys: [], make: () => cutting(classOf(space), 'Removed') },
  BertPreTokenizer: {
    keys: [],
    make: () => inTurn([cutting(classOf(space), 'Removed'), cutting(classOf(punctuation), 'Isolated')]),
  },
  CharDelimiterSplit: {
    keys: ['delimiter'],
    make: (step) => {
      const delimiter = step.character('delimiter')
      return each(({ text, begins }) => {
        let at = 0
        return text.split(delimiter).flatMap((part) => {
          const start = at
          at += part.length + delimiter.length
          return part === '' ? [] : [{ text: part, begins: begins && start === 0 }]
        })
      })
    },
  },
  FixedLength: { keys: ['length'], make: fixedLength },
}

const each =
  (cutOne: (word: Word) => Word[]): PreTokenizer =>
  (words) =>
    words.flatMap(cutOne)

const cutting = (pattern: RegExp, behavior: Behavior) => each((one) => cut(one, partsOf(one.text, pattern), behavior))

/** What matches is kept. */
const keeping = (pattern: RegExp) => cuttingInverted(pattern, 'Removed')

const cuttingInverted = (pattern: RegExp, behavior: Behavior) =>
  each((one) =>
    cut(
      one,
      partsOf(one.text, pattern).map(([start, end, matches]) => [start, end, !matches] as const),
      behavior,
    ),
  )

const inTurn =
  (steps: readonly PreTokenizer[]): PreTokenizer =>
  (words) =>
    steps.reduce((cut, step) => step(cut), [...words])

function sequence(step: StepFields): PreTokenizer {
  return inTurn(step.steps('pretokenizers', preTokenizer))
}

function split(step: StepFields): PreTokenizer {
  const pattern = patternOf(step)
  const behavior = step.oneOf('behavior', behaviors)
  return step.flag('invert') ? cuttingInverted(pattern, behavior) : cutting(pattern, behavior)
}

/** GPT-2's words, with what Rust calls white space. */
const words = new RegExp(gpt2.replaceAll('\\s', '\\p{White_Space}').replaceAll('\\S', '\\P{White_Space}'), 'gu')

function byteLevel(step: StepFields): PreTokenizer {
  const [prefix, useRegex] = [step.flag('add_prefix_space', false), step.flag('use_regex', true)]
  const utf8 = new TextEncoder()
  return each(({ text, begins }) => {
    const prefixed = prefix && !text.startsWith(' ') ? ` ${text}` : text
    // The expression matches every character: its matches are all there is.
    return ((useRegex ? prefixed.match(words) : [prefixed]) ?? []).map((one, i) => {
      let bytes = ''
      for (const byte of utf8.encode(one)) bytes += charOfByte[byte]
      return { text: bytes, begins: begins && i === 0 }
    })
  })
}

const schemes = ['first', 'never', 'always'] as const

/** Where a Metaspace step puts its mark: older files say it with `add_prefix_space`. */
export const prependScheme = (step: StepFields): (typeof schemes)[number] =>
  step.oneOf('prepend_scheme', schemes, step.flag('add_prefix_space', true) ? 'always' : 'never')

function metaspace(step: StepFields): PreTokenizer {
  const mark = step.character('replacement')
  const [scheme, splits] = [prependScheme(step), step.flag('split', true)]
  const marks = new RegExp(mark.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'gu')
  return each(({ text, begins }) => {
    const marked = text.replaceAll(' ', mark)
    const wanted = scheme === 'always' || (scheme === 'first' && begins)
    const whole = { text: wanted && !marked.startsWith(mark) ? mark + marked : marked, begins }
    return splits ? cut(whole, partsOf(whole.text, marks), 'MergedWithNext') : [whole]
  })
}

function fixedLength(step: StepFields): PreTokenizer {
  const length = step.count('length', 5)
  if (length === 0) throw step.wrong('length', '1 or more')
  return each(({ text, begins }) => {
    const characters = [...text]
    return Array.from({ length: Math.ceil(characters.length / length) }, (_, i) => ({
      text: characters.slice(i * length, (i + 1) * length).join(''),
      begins: begins && i === 0,
    }))
  })
}
