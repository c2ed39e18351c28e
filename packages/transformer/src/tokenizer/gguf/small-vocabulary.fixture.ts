import { type RawValue, rawGguf } from '../../files/gguf/raw-gguf.fixture'
import { byteOfChar } from '../byte-alphabet'

/** llama.cpp reads these of any model before it looks at the vocabulary. */
const sizes: Record<string, RawValue> = {
  'general.architecture': ['string', 'llama'],
  'llama.context_length': ['u32', 64],
  'llama.embedding_length': ['u32', 8],
  'llama.block_count': ['u32', 1],
  'llama.feed_forward_length': ['u32', 8],
  'llama.attention.head_count': ['u32', 1],
  'llama.attention.layer_norm_rms_epsilon': ['f32', 1e-5],
}

export interface SmallVocabulary {
  model: 'gpt2' | 'llama'
  /** Pieces with their kinds, before all others. */
  marks?: readonly (readonly [piece: string, kind: number])[]
  /** gpt2: pairs of characters of the byte alphabet. */
  merges?: readonly string[]
  /** llama: pieces of text with their scores. */
  pieces?: readonly (readonly [piece: string, score: number])[]
  values?: Record<string, RawValue>
}

const bytes = [...byteOfChar.keys()]

/** A GGUF file of a vocabulary and nothing else: the marks, all bytes, what merges make. */
export function vocabularyGguf({
  model,
  marks = [],
  merges = [],
  pieces = [],
  values = {},
}: SmallVocabulary): Uint8Array {
  const byteNames = Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`)
  const text: [string, number, number][] =
    model === 'gpt2'
      ? [...bytes, ...merges.map((merge) => merge.replace(' ', ''))].map((piece) => [piece, 1, 0])
      : [
          ...byteNames.map((piece): [string, number, number] => [piece, 6, 0]),
          ...pieces.map(([piece, score]): [string, number, number] => [piece, 1, score]),
        ]
  const all = [...marks.map(([piece, kind]): [string, number, number] => [piece, kind, 0]), ...text]
  return rawGguf({
    values: {
      ...sizes,
      'tokenizer.ggml.model': ['string', model],
      'tokenizer.ggml.tokens': ['string[]', all.map(([piece]) => piece)],
      'tokenizer.ggml.token_type': ['i32[]', all.map(([, kind]) => kind)],
      ...(model === 'gpt2'
        ? { 'tokenizer.ggml.merges': ['string[]', merges] as RawValue }
        : { 'tokenizer.ggml.scores': ['f32[]', all.map(([, , score]) => score)] as RawValue }),
      ...values,
    },
  })
}

/**
 * An eighth of all pairs of bytes as merges: words that are cut differently have other pieces, sooner or later.
 */
export const someMerges: readonly string[] = bytes.flatMap((a, i) =>
  bytes.filter((_, j) => (i * 31 + j * 17) % 8 === 0).map((b) => `${a} ${b}`),
)
