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
