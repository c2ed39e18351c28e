import { falconMarks, gpt2, llama3, qwen2 } from '../known-expressions'

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

/** The ways of cutting words that llama.cpp knows by name, each by the expressions that cut, one after another. */
const expressions: Readonly<Record<string, readonly string[]>> = {
  'gpt-2': [gpt2],
  'llama-bpe': [llama3],
  qwen2: [qwen2],
  smollm: ['\\p{N}', gpt2],
  falcon: [falconMarks, gpt2, '[0-9][0-9][0-9]'],
}

/** Names of llama.cpp that mean one of the above. */
const aliases: Readonly<Record<string, string>> = {
  default: 'gpt-2',
  llama3: 'llama-bpe',
  'llama-v3': 'llama-bpe',
  'deepseek-r1-qwen': 'qwen2',
}

/** The pre-tokenizer of a tokenizer.json for a name; undefined where the name is not known. */
export function preTokenizerNamed(name: string): PreTokenizerStep | undefined {
  const cuts = expressions[aliases[name] ?? name]
  if (!cuts) return undefined
  const splits = cuts.map((Regex) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false }))
  return {
    type: 'Sequence',
    pretokenizers: [...splits, { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }],
  }
}

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
  return Object.keys(expressions).find((name) => expressions[name]!.join('\n') === cuts.join('\n'))
}
