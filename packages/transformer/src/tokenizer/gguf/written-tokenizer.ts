import { OutriderError } from '@outrider/tensor'

/** A step of a tokenizer.json's normalizer, pre-tokenizer or decoder, or a sequence of them. */
export interface Step {
  type?: string
  normalizers?: Step[]
  pretokenizers?: Step[]
  decoders?: Step[]
  pattern?: { String?: string; Regex?: string }
  content?: string
  prepend?: string
  replacement?: string
  prepend_scheme?: string
  add_prefix_space?: boolean
  split?: boolean
  behavior?: string
  invert?: boolean
  use_regex?: boolean
  individual_digits?: boolean
  start?: number
  stop?: number
}

/** A token that is found in a text before anything else is done to it. */
export interface AddedToken {
  id: number
  content: string
  special?: boolean
  single_word?: boolean
  lstrip?: boolean
  rstrip?: boolean
  normalized?: boolean
}

/** A tokenizer.json, as far as it is written into a GGUF file. */
export interface TokenizerJson {
  model?: {
    type?: string
    vocab?: Record<string, number>
    merges?: (string | [string, string])[]
    byte_fallback?: boolean
    ignore_merges?: boolean
    unk_token?: string | null
    dropout?: number | null
    continuing_subword_prefix?: string | null
    end_of_word_suffix?: string | null
  }
  normalizer?: Step | null
  pre_tokenizer?: Step | null
  decoder?: Step | null
  added_tokens?: AddedToken[]
}

/** A sequence's steps, or the one step that there is. */
export const stepsOf = (step: Step | null | undefined): Step[] =>
  step == null
    ? []
    : (step.normalizers ?? step.pretokenizers ?? step.decoders ?? [step]).flatMap((inner) =>
        inner === step ? [step] : stepsOf(inner),
      )

/** The two sides of each merge, however it is written; of a pair that is there twice, the later rank counts. */
export function mergesOf({ model }: TokenizerJson): [string, string][] {
  const sides = (model?.merges ?? []).map((merge): [string, string] => {
    if (typeof merge !== 'string') return merge
    const at = merge.indexOf(' ', 1)
    return [merge.slice(0, at), merge.slice(at + 1)]
  })
  const last = new Map(sides.map(([left, right], rank) => [`${left} ${right}`, rank]))
  return sides.filter(([left, right], rank) => last.get(`${left} ${right}`) === rank)
}

/** A tokenizer of which a GGUF file has no way to say what it does. */
export const unsupported = (why: string, remedy?: string): OutriderError =>
  new OutriderError('UNSUPPORTED', `The tokenizer cannot be written as GGUF: ${why}.`, {
    remedy:
      remedy ??
      "Save a Hugging Face directory, and use the convert_hf_to_gguf.py of llama.cpp where it knows the model's tokenizer.",
  })

export const quoted = (text: string): string => JSON.stringify(text)
