import { gpt2 } from '../known-expressions'
import { wordCutsNamed } from './word-cuts'

/** A step of a tokenizer.json's pre-tokenizer. */
interface PreTokenizerStep {
  type?: string
  pattern?: { Regex?: string }
  behavior?: string
  invert?: boolean
  add_prefix_space?: boolean
  trim_offsets?: boolean
  use_regex?: boolean
  individual_digits?: boolean
  pretokenizers?: PreTokenizerStep[]
}

/** The pre-tokenizer of a tokenizer.json that cuts words so and makes bytes of them. */
export function preTokenizerOf(cuts: readonly string[]): PreTokenizerStep {
  const splits = cuts.map((Regex) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false }))
  return {
    type: 'Sequence',
    pretokenizers: [...splits, { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }],
  }
}

/** The names that are written. */
const written = ['gpt-2', 'llama-bpe', 'qwen2', 'smollm', 'falcon']

/** The name of a tokenizer.json's pre-tokenizer; undefined where llama.cpp has none that is known here. */
export function preTokenizerName(preTokenizer: unknown): string | undefined {
  const step = (preTokenizer ?? {}) as PreTokenizerStep
  const steps = step.type === 'Sequence' ? (step.pretokenizers ?? []) : [step]
  const cuts = steps.flatMap(({ type, pattern, individual_digits, use_regex }) => {
    if (type === 'Split') return [pattern?.Regex ?? '']
    if (type === 'Digits') return [individual_digits ? '\\p{N}' : '']
    if (type === 'ByteLevel') return use_regex === false ? [] : [gpt2]
    return ['']
  })
  if (steps.at(-1)?.type !== 'ByteLevel') return undefined
  return written.find((name) => wordCutsNamed(name)!.cuts.join('\n') === cuts.join('\n'))
}
