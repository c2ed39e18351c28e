import { charOfByte } from './byte-alphabet'
import { Tokenizer } from './tokenizer'

/**
 * A tokenizer that needs no vocabulary: token b is the byte b of the text in UTF-8, and the special tokens follow from 256
 * on. For small models and experiments; saved, it is a tokenizer.json like any other.
 *
 * @param options.specialTokens  marks; the first begins every text (bos_token), the second ends one (eos_token). Default
 *   `<s>` and `</s>`
 */
export function byteTokenizer({
  specialTokens = ['<s>', '</s>'],
}: {
  specialTokens?: readonly string[]
} = {}): Tokenizer {
  const [bos, eos, ...others] = specialTokens
  const mark = (content: string, i: number) => ({
    id: 256 + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }
  const json = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map(mark),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: bos === undefined ? null : beginsWith(bos),
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries([...charOfByte, ...specialTokens].map((piece, id) => [piece, id])),
      merges: [],
    },
  }
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    clean_up_tokenization_spaces: false,
    ...(bos === undefined ? {} : { bos_token: bos }),
    ...(eos === undefined ? {} : { eos_token: eos }),
    ...(others.length === 0 ? {} : { additional_special_tokens: others }),
  }
  return Tokenizer.fromJson(json, config)
}

/** A post-processor that puts token 256 before every text. */
function beginsWith(bos: string) {
  const begin = (typeId: number) => ({ SpecialToken: { id: bos, type_id: typeId } })
  const text = (id: 'A' | 'B', typeId: number) => ({ Sequence: { id, type_id: typeId } })
  return {
    type: 'TemplateProcessing',
    single: [begin(0), text('A', 0)],
    pair: [begin(0), text('A', 0), begin(1), text('B', 1)],
    special_tokens: { [bos]: { id: bos, ids: [256], tokens: [bos] } },
  }
}
