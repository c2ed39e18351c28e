import { describe, expect, it } from 'vitest'
import { metaspace, smallSentencePiece } from './small-tokenizers.fixture'
import { type Change, changed, field, refused, written } from './written.fixture'

describe('a SentencePiece vocabulary', () => {
  it('has scores in the order of its merges, and a space before a text where its normalizer puts one', () => {
    const vocabulary = written(smallSentencePiece())
    expect(vocabulary.differences).toEqual([])
    expect(field(vocabulary, 'ggml.model')).toBe('llama')
    expect(field(vocabulary, 'ggml.add_space_prefix')).toBe(true)
    const { vocab, merges } = smallSentencePiece().model
    const scores = field(vocabulary, 'ggml.scores') as number[]
    const ranked = merges.map((sides) => scores[vocab[sides.join('')]!]!)
    expect(ranked).toEqual([...ranked].sort((a, b) => b - a))
    expect(new Set(ranked).size).toBe(merges.length)
  })

  it.each<[string, Change]>([
    ['never', (json) => Object.assign(json, { normalizer: null, pre_tokenizer: metaspace('never') })],
    [
      'never, as add_prefix_space false says it',
      (json) =>
        Object.assign(json, {
          normalizer: null,
          pre_tokenizer: { type: 'Metaspace', replacement: '▁', add_prefix_space: false, split: false },
        }),
    ],
    ['never, with Replace alone', (json) => Object.assign(json, { normalizer: json.normalizer!.normalizers![1] })],
  ])('has no space before a text where its Metaspace puts none: %s', (_, change) => {
    const vocabulary = written(changed(smallSentencePiece(), change))
    expect(vocabulary.differences).toEqual([])
    expect(field(vocabulary, 'ggml.add_space_prefix')).toBe(false)
  })

  it.each([
    ['always', /puts no ▁ before a text that begins with a space; llama.cpp does$/],
    ['first', /"first".*begins with a space, nor after a special token; llama.cpp does$/],
  ])('says what llama.cpp does otherwise than its Metaspace, %s', (scheme, said) => {
    const json = Object.assign(smallSentencePiece(), { normalizer: null, pre_tokenizer: metaspace(scheme) })
    const vocabulary = written(json)
    expect(vocabulary.differences).toEqual([expect.stringMatching(said)])
    expect(field(vocabulary, 'ggml.add_space_prefix')).toBe(true)
  })

  const normalizer =
    (...steps: object[]): Change =>
    (json) =>
      Object.assign(json, { normalizer: { type: 'Sequence', normalizers: [...steps, json.normalizer!] } })

  it.each<[string, Change, RegExp]>([
    ['NFKC', normalizer({ type: 'NFKC' }), /its normalizer NFKC/],
    ['NFC', normalizer({ type: 'NFC' }), /its normalizer NFC/],
    ['Lowercase', normalizer({ type: 'Lowercase' }), /its normalizer Lowercase/],
    ['Strip', normalizer({ type: 'Strip', strip_left: true, strip_right: true }), /its normalizer Strip/],
    [
      'a charsmap',
      normalizer({ type: 'Precompiled', precompiled_charsmap: 'BAAAAAAAAAA=' }),
      /its normalizer Precompiled/,
    ],
    [
      'another replacement',
      normalizer({ type: 'Replace', pattern: { String: '``' }, content: '"' }),
      /Replace \("``" by/,
    ],
    ['another mark', (json) => Object.assign(json.normalizer!.normalizers![0]!, { prepend: ' ' }), /Prepend \(" "\)/],
    ['spaces as they are', (json) => Object.assign(json, { normalizer: null }), /does not write a space as ▁/],
    [
      'another pre-tokenizer',
      (json) => Object.assign(json, { pre_tokenizer: { type: 'Whitespace' } }),
      /pre-tokenizer Whitespace/,
    ],
    [
      'words cut at ▁, which pieces cross',
      (json) => Object.assign(json, { normalizer: null, pre_tokenizer: metaspace('never', true) }),
      /cuts before every ▁, and llama.cpp joins "▁▁"/,
    ],
    [
      'another replacement of the space',
      (json) => Object.assign(json, { normalizer: null, pre_tokenizer: { ...metaspace('never'), replacement: '_' } }),
      /writes a space as "_"/,
    ],
    ['two prefixes', (json) => Object.assign(json, { pre_tokenizer: metaspace('always') }), /both its normalizer and/],
    ['whole texts first', ({ model }) => Object.assign(model, { ignore_merges: true }), /ignore_merges/],
    ['random merges', ({ model }) => Object.assign(model, { dropout: 0.1 }), /dropout of 0.1/],
    [
      'prefixes of subwords',
      ({ model }) => Object.assign(model, { continuing_subword_prefix: '##' }),
      /subword_prefix "##"/,
    ],
    ['suffixes of words', ({ model }) => Object.assign(model, { end_of_word_suffix: '</w>' }), /end_of_word_suffix/],
    [
      'a byte missing',
      ({ model: { vocab } }) => {
        vocab['<0x0>'] = vocab['<0x0A>']!
        delete vocab['<0x0A>']
      },
      /no token <0x0A>/,
    ],
    ['a piece that no merge makes', ({ model }) => model.merges.splice(2, 1), /join "▁t" and "he"/],
    [
      'another decoder',
      (json) => Object.assign(json, { decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' } }),
      /does not write .* <0x0A> as a byte/,
    ],
    [
      'a decoder that strips the end',
      (json) => Object.assign(json.decoder!.decoders![3]!, { stop: 1 }),
      /its decoder Strip/,
    ],
  ])('is refused with %s', (_, change, message) => {
    const json = changed(smallSentencePiece(), change)
    for (const piece of json.model.merges.map((sides) => sides.join('')))
      json.model.vocab[piece] ??= Object.keys(json.model.vocab).length
    refused(json, message)
  })
})
