import { charOfByte } from '../byte-alphabet'
import { Tokenizer } from '../tokenizer'
import type { AddedToken, Step } from './written-tokenizer'

/** A tokenizer.json that is to be changed. */
export interface SmallJson {
  added_tokens: AddedToken[]
  normalizer: Step | null
  pre_tokenizer: Step | null
  post_processor: unknown
  decoder: Step | null
  model: { vocab: Record<string, number>; merges: [string, string][] } & Record<string, unknown>
}

const mark = (content: string, id: number): AddedToken => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
})

const idsOf = (pieces: readonly string[]) => Object.fromEntries([...new Set(pieces)].map((piece, id) => [piece, id]))

const prependAndReplace = (): Step => ({
  type: 'Sequence',
  normalizers: [
    { type: 'Prepend', prepend: '▁' },
    { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
  ],
})

export const metaspace = (prepend_scheme: string, split = false): Step => ({
  type: 'Metaspace',
  replacement: '▁',
  prepend_scheme,
  split,
})

/** BPE with byte fallback, as SentencePiece makes it and transformers writes it. */
export function smallSentencePiece(): SmallJson {
  const marks = ['<unk>', '<s>', '</s>', '<|im_start|>', '<|im_end|>']
  const bytes = Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`)
  const merges: [string, string][] = [
    ['▁', 't'],
    ['h', 'e'],
    ['▁t', 'he'],
    ['▁', '▁'],
    ['i', 'n'],
    ['▁', 'h'],
    ['▁h', 'i'],
    ['1', '2'],
  ]
  const joined = merges.map((sides) => sides.join(''))
  return {
    added_tokens: marks.map(mark),
    normalizer: prependAndReplace(),
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: '<unk>',
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: idsOf([...marks, ...bytes, ...'▁abcdefghijklmnopqrstuvwxyz0123456789.,é漢', ...joined]),
      merges,
    },
  }
}

/** Byte-level BPE, as GPT-2's. */
export function smallByteLevel(): SmallJson {
  const marks = ['<|endoftext|>', '<|im_start|>', '<|im_end|>']
  const merges: [string, string][] = [
    ['Ġ', 't'],
    ['h', 'e'],
    ['Ġt', 'he'],
    ['Ġ', 'Ġ'],
    ['1', '2'],
    ['12', '3'],
    ['123', '4'],
    ["'", 's'],
    ['Ċ', 'Ċ'],
    ['.', 'Ċ'],
  ]
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  return {
    added_tokens: marks.map(mark),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: idsOf([...marks, ...charOfByte, ...merges.map((sides) => sides.join(''))]),
      merges,
    },
  }
}

/** Words are cut by these expressions, one after another. */
export const cutBy = (...expressions: string[]): Step => ({
  type: 'Sequence',
  pretokenizers: [
    ...expressions.map((Regex) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false })),
    { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false } as Step,
  ],
})

/** A tokenizer of it, whose end token is the one given. */
export const smallTokenizer = (
  json: SmallJson,
  config: Record<string, unknown> = { eos_token: '<|im_end|>' },
): Tokenizer => Tokenizer.fromJson({ version: '1.0', truncation: null, padding: null, ...json }, config)
