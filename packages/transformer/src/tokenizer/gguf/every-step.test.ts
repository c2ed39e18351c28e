import { describe, expect, it } from 'vitest'
import { byteLevelForm } from './byte-level-form'
import { sentencePieceForm } from './sentencepiece-form'
import { type SmallJson, smallByteLevel, smallSentencePiece } from './small-tokenizers.fixture'
import type { Step, TokenizerJson } from './written-tokenizer'

/** Every type of step that tokenizers 0.23.3 (transformers 5.24) has, from its sources, in its plainest form. */
const steps: Readonly<Record<'normalizer' | 'pre_tokenizer' | 'decoder', readonly (Step & Record<string, unknown>)[]>> =
  {
    normalizer: [
      { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
      { type: 'ByteLevel' },
      { type: 'Lowercase' },
      { type: 'NFC' },
      { type: 'NFD' },
      { type: 'NFKC' },
      { type: 'NFKD' },
      { type: 'Nmt' },
      { type: 'Precompiled', precompiled_charsmap: '' },
      { type: 'Prepend', prepend: ' ' },
      { type: 'Replace', pattern: { String: 'a' }, content: 'b' },
      { type: 'Strip', strip_left: true, strip_right: true },
      { type: 'StripAccents' },
      { type: 'OfTomorrow' },
    ],
    pre_tokenizer: [
      { type: 'BertPreTokenizer' },
      { type: 'CharDelimiterSplit', delimiter: '-' },
      { type: 'Digits', individual_digits: false },
      { type: 'FixedLength', length: 5 },
      { type: 'Metaspace', replacement: '_', prepend_scheme: 'never', split: false },
      { type: 'Punctuation', behavior: 'Isolated' },
      { type: 'Split', pattern: { String: ',' }, behavior: 'Isolated', invert: false },
      { type: 'Split', pattern: { Regex: 'a' }, behavior: 'MergedWithPrevious', invert: false },
      { type: 'UnicodeScripts' },
      { type: 'Whitespace' },
      { type: 'WhitespaceSplit' },
      { type: 'OfTomorrow' },
    ],
    decoder: [
      { type: 'BPEDecoder', suffix: '</w>' },
      { type: 'CTC', pad_token: '<pad>', word_delimiter_token: '|', cleanup: true },
      { type: 'Replace', pattern: { String: 'a' }, content: 'b' },
      { type: 'Strip', content: 'a', start: 1, stop: 0 },
      { type: 'WordPiece', prefix: '##', cleanup: true },
      { type: 'OfTomorrow' },
    ],
  }

/** Whether it is said or refused that llama.cpp has no such step. */
function isNamed(json: TokenizerJson, type: string): boolean {
  const differences: string[] = []
  try {
    if (json.model?.byte_fallback) sentencePieceForm(json, Object.keys(json.model.vocab!), differences)
    else byteLevelForm(json, differences)
  } catch (error) {
    return (error as Error).message.includes(type)
  }
  return differences.some((said) => said.includes(type))
}

const lists = { normalizer: 'normalizers', pre_tokenizer: 'pretokenizers', decoder: 'decoders' } as const

describe.each<[string, () => SmallJson]>([
  ['a SentencePiece vocabulary', smallSentencePiece],
  ['a byte-level vocabulary', smallByteLevel],
])('of %s', (_, small) => {
  it.each(['normalizer', 'pre_tokenizer', 'decoder'] as const)('no %s is passed over: each is named', (place) => {
    for (const step of steps[place]) {
      const type =
        place === 'pre_tokenizer' && step.type === 'Metaspace' && small === smallSentencePiece ? '"_"' : step.type!
      const json = small()
      const other = json[place]
      json[place] = { type: 'Sequence', [lists[place]]: other ? [step, other] : [step] } as Step
      expect([step, isNamed(json as TokenizerJson, type)]).toEqual([step, true])
    }
  })
})
