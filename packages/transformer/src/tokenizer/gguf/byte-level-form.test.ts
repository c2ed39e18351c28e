import { describe, expect, it } from 'vitest'
import { llama3, qwen2 } from '../known-expressions'
import { cutBy, smallByteLevel } from './small-tokenizers.fixture'
import { type WordCuts, ways } from './word-cuts'
import { type Change, changed, field, refused, written } from './written.fixture'

describe('a byte-level vocabulary', () => {
  it.each<[string, string, Change]>([
    ["GPT-2's", 'gpt-2', () => {}],
    [
      "Llama 3's, whole words first",
      'llama-bpe',
      (json) => {
        json.pre_tokenizer = cutBy(llama3)
        json.model.ignore_merges = true
        json.model.vocab.Ġwhole = Object.keys(json.model.vocab).length
      },
    ],
    [
      "Llama 3's, merged only",
      'dbrx',
      (json) => {
        json.pre_tokenizer = cutBy(llama3)
      },
    ],
    [
      'whole words that merging makes, too',
      'llama-bpe',
      (json) => {
        json.pre_tokenizer = cutBy(llama3)
        json.model.ignore_merges = true
      },
    ],
    [
      "Qwen2's",
      'qwen2',
      (json) => {
        json.pre_tokenizer = cutBy(qwen2)
      },
    ],
    [
      "Qwen2's, in other words",
      'qwen2',
      (json) => {
        json.pre_tokenizer = cutBy(qwen2)
        Object.assign(json.pre_tokenizer.pretokenizers![0]!, { behavior: 'Removed', invert: true })
      },
    ],
    [
      "SmolLM2's",
      'smollm',
      (json) => {
        json.pre_tokenizer = {
          type: 'Sequence',
          pretokenizers: [{ type: 'Digits', individual_digits: true }, json.pre_tokenizer!],
        }
      },
    ],
    [
      'none, where nothing is merged',
      'gpt-2',
      (json) => {
        json.pre_tokenizer = cutBy('x+')
        json.model.merges = []
      },
    ],
  ])('cuts words by a name of llama.cpp: %s', (_, name, change) => {
    const vocabulary = written(changed(smallByteLevel(), change))
    expect(vocabulary.differences).toEqual([])
    expect(field(vocabulary, 'ggml.pre')).toBe(name)
  })

  it.each(Object.keys(ways) as (keyof typeof ways)[])('is written by its name where it was read: %s', (name) => {
    const { cuts, ignoresMerges = false }: WordCuts = ways[name]
    for (const flag of [true, false]) {
      const whole = changed(smallByteLevel(), (json) => {
        json.pre_tokenizer = cutBy(...cuts)
        json.model.ignore_merges = flag
        json.model.vocab.Ġwhole = Object.keys(json.model.vocab).length
      })
      const others = Object.values(ways).filter((way: WordCuts) => way.cuts.join() === cuts.join())
      if (others.some((way: WordCuts) => (way.ignoresMerges ?? false) === flag)) {
        const found: WordCuts = ways[field(written(whole), 'ggml.pre') as keyof typeof ways]
        expect([found.cuts, found.ignoresMerges ?? false]).toEqual([cuts, flag])
      } else refused(whole, /ignore_merges/)
    }
    // Where merging makes every piece, it is the same whether whole words come first.
    const merged = changed(smallByteLevel(), (json) => {
      json.pre_tokenizer = cutBy(...cuts)
      json.model.ignore_merges = !ignoresMerges
    })
    expect(written(merged).differences).toEqual([])
  })

  it('says how many bytes it has no token for, around which llama.cpp joins nothing', () => {
    const json = changed(smallByteLevel(), ({ model }) => {
      for (const byte of ['ó', 'ô']) delete model.vocab[byte]
    })
    const vocabulary = written(json, { ends: ['<|im_end|>', '<|endoftext|>'] })
    expect(vocabulary.remarks).toEqual([expect.stringMatching(/^it leaves out 2 bytes/)])
  })

  it('has of a merge that is there twice the later one, as in the library', () => {
    const json = changed(smallByteLevel(), ({ model }) => model.merges.unshift(['1', '2']))
    expect(field(written(json), 'ggml.merges')).toEqual(smallByteLevel().model.merges.map((sides) => sides.join(' ')))
  })

  it.each<[string, Change, RegExp]>([
    ['NFC', (json) => Object.assign(json, { normalizer: { type: 'NFC' } }), /does not bring a text into NFC/],
    [
      'a space before the text',
      (json) => Object.assign(json.pre_tokenizer!, { add_prefix_space: true }),
      /add_prefix_space/,
    ],
    [
      'one that is not denied',
      (json) => {
        json.pre_tokenizer = { type: 'ByteLevel', use_regex: true }
      },
      /add_prefix_space/,
    ],
  ])('says what llama.cpp does otherwise: %s', (_, change, said) => {
    const json = changed(smallByteLevel(), change)
    expect(written(json).differences).toEqual([expect.stringMatching(said)])
  })

  it.each<[string, Change, RegExp]>([
    ['lower case', (json) => Object.assign(json, { normalizer: { type: 'Lowercase' } }), /its normalizer Lowercase/],
    [
      'an expression that llama.cpp has not',
      (json) => Object.assign(json, { pre_tokenizer: cutBy('x+') }),
      /no known name/,
    ],
    [
      'an expression whose finds are left out',
      (json) =>
        Object.assign(json, {
          pre_tokenizer: {
            ...cutBy(qwen2),
            pretokenizers: cutBy(qwen2).pretokenizers!.map((step) => ({ ...step, behavior: 'Removed' })),
          },
        }),
      /its pre-tokenizer's step Split/,
    ],
    [
      'digits together',
      (json) =>
        Object.assign(json, {
          pre_tokenizer: {
            type: 'Sequence',
            pretokenizers: [{ type: 'Digits', individual_digits: false }, json.pre_tokenizer],
          },
        }),
      /step Digits/,
    ],
    [
      'steps after the bytes',
      (json) =>
        Object.assign(json, {
          pre_tokenizer: {
            type: 'Sequence',
            pretokenizers: [json.pre_tokenizer, { type: 'Digits', individual_digits: true }],
          },
        }),
      /step ByteLevel/,
    ],
    ['no bytes', (json) => Object.assign(json, { pre_tokenizer: { type: 'Whitespace' } }), /without tokens for bytes/],
    [
      'whole words first, and GPT-2’s cuts',
      ({ model }) => Object.assign(model, { ignore_merges: true, vocab: { ...model.vocab, Ġwhole: 400 } }),
      /ignore_merges/,
    ],
    [
      'a token for what it has none for',
      ({ model }) => {
        model.unk_token = '<|endoftext|>'
        model.vocab.other = model.vocab['!']!
        delete model.vocab['!']
      },
      /becomes "<\|endoftext\|>"/,
    ],
    [
      'another decoder',
      (json) => Object.assign(json, { decoder: { type: 'BPEDecoder', suffix: '</w>' } }),
      /its decoder BPEDecoder/,
    ],
    ['another model', ({ model }) => Object.assign(model, { type: 'WordLevel' }), /its model is WordLevel/],
  ])('is refused with %s', (_, change, message) => {
    refused(changed(smallByteLevel(), change), message)
  })
})
