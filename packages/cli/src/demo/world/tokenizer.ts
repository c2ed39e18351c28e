import { exchanges, plainText } from './index'

/** The marks of the small world's chat, by id. */
export const marks = ['<|begin|>', '<|end|>', '<|user|>', '<|assistant|>', '<|pad|>'] as const

/** Marks, bytes and words fill the vocabulary up to a multiple of 16; the rest of the ids has no piece. */
export const vocabularySize = 464

/**
 * The small world's tokenizer as Hugging Face files: byte-level BPE in which every word of the world is one piece, and any
 * other text falls apart into bytes, so that every text survives the round trip.
 */
export function tokenizerFiles(): { 'tokenizer.json': string; 'tokenizer_config.json': string } {
  const pieces = [...marks, ...byteSigns(), ...words()]
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: marks.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<|begin|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [
        { SpecialToken: { id: '<|begin|>', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { Sequence: { id: 'B', type_id: 1 } },
      ],
      special_tokens: { '<|begin|>': { id: '<|begin|>', ids: [0], tokens: ['<|begin|>'] } },
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: true, // a word that is a piece is taken whole
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
      merges: [],
    },
  }
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: '<|begin|>',
    eos_token: '<|end|>',
    pad_token: '<|pad|>',
    model_max_length: 128,
    clean_up_tokenization_spaces: false,
    chat_template:
      "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}{{ '<|assistant|>' + message['content'] + '<|end|>' }}{% else %}{{ '<|user|>' + message['content'] + '<|end|>' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
  }
  return { 'tokenizer.json': json(tokenizer), 'tokenizer_config.json': json(config) }
}

const json = (value: object): string => `${JSON.stringify(value, null, 1)}\n`

/** Every word of the world, with the space before it where it has one, the commonest first. */
function words(): string[] {
  const texts = [
    ...exchanges({ seed: 1, count: 6000 }).flatMap(({ prompt, answer }) => [prompt, answer]),
    ...plainText({ seed: 1, count: 2000 }),
  ]
  const counts = new Map<string, number>()
  for (const text of texts)
    for (const word of text.match(/ ?[A-Za-z]+/g) ?? []) counts.set(word, (counts.get(word) ?? 0) + 1)
  const byCount = [...counts]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([word]) => word.replace(' ', 'Ġ'))
  return byCount.filter((word) => word.length > 1)
}

/** The signs that stand for the 256 bytes in byte-level BPE (GPT-2's table). */
function byteSigns(): string[] {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
  let others = 0
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : 256 + others++))
}
