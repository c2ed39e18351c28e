import { describe, expect, it } from 'vitest'
import type { TokenizerLimits } from './bounded-tokenizer'
import { Tokenizer } from './tokenizer'

const vocabulary = [...'abc $▁'].concat('<s>')

/** A tokenizer of single characters with some parts changed. */
function tokenizer(parts: Record<string, unknown>, limits: Partial<TokenizerLimits> = {}): Tokenizer {
  const json = {
    version: '1.0',
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: 'Fuse' },
    model: {
      type: 'BPE',
      unk_token: null,
      vocab: Object.fromEntries(vocabulary.map((piece, id) => [piece, id])),
      merges: [],
    },
    ...parts,
  }
  return Tokenizer.fromJson(json, {}, '', limits)
}

const split = (Regex: string, rest = {}) => ({
  type: 'Split',
  pattern: { Regex },
  behavior: 'Isolated',
  invert: false,
  ...rest,
})
const replace = (pattern: Record<string, string>, content: string) => ({ type: 'Replace', pattern, content })
const pieces = (t: Tokenizer, text: string) => t.encode(text).map((id) => t.idToToken(id))

const beyond = (message: RegExp) =>
  expect.objectContaining({ code: 'TOKENIZER_LIMIT', message: expect.stringMatching(message) })
const few = { pattern: { base: 100, perCharacter: 0 } }

describe('a tokenizer of a stranger', () => {
  it('cuts with a pattern that is not known, wherever it stands', () => {
    const cut = tokenizer({ pre_tokenizer: { type: 'Sequence', pretokenizers: [split('(?:b)+|\\s')] } }, few)
    expect(pieces(cut, 'abb c')).toEqual(['a', 'b', 'b', ' ', 'c'])
    const removed = tokenizer({ pre_tokenizer: split('(?:b)+', { behavior: 'Removed' }) }, few)
    expect(pieces(removed, 'abbc')).toEqual(['a', 'c'])
  })

  it.each([
    ['a pre-tokenizer', { pre_tokenizer: split('(?:a+)+b') }],
    ['one of several', { pre_tokenizer: { type: 'Sequence', pretokenizers: [split('\\s+'), split('(?:a+)+b')] } }],
    ['one that is inverted', { pre_tokenizer: split('(?:a+)+b', { invert: true }) }],
    ['one that removes', { pre_tokenizer: split('(?:a+)+b', { behavior: 'Removed' }) }],
    ['a normalizer', { normalizer: replace({ Regex: '(?:a+)+b' }, 'c') }],
    [
      'one of several normalizers',
      { normalizer: { type: 'Sequence', normalizers: [replace({ Regex: '(?:a+)+b' }, 'c')] } },
    ],
  ])('is stopped where a pattern of %s goes back and forth', (_, parts) => {
    expect(() => tokenizer(parts, few).encode('aaaaaaaa')).toThrow(beyond(/\(\?:a\+\)\+b.*more than 100 steps/))
  })

  it('is stopped where a pattern of its decoder does', () => {
    const parts = { decoder: { type: 'Sequence', decoders: [{ type: 'Fuse' }, replace({ Regex: '(?:a+)+b' }, 'c')] } }
    const made = tokenizer(parts, few)
    expect(() => made.decode(made.encode('aaaaaaaa'))).toThrow(beyond(/steps/))
  })

  it('is stopped before replacements multiply a text, one by one or together', () => {
    const one = tokenizer({ normalizer: replace({ String: 'a' }, 'b'.repeat(20)) }, { characters: 50 })
    expect(one.encode('aab')).toHaveLength(41)
    expect(() => one.encode('aaa')).toThrow(beyond(/makes more than 50 characters of 3/))
    const doubling = Array.from({ length: 8 }, () => replace({ Regex: 'a' }, 'aa'))
    const many = tokenizer({ normalizer: { type: 'Sequence', normalizers: doubling } }, { characters: 50 })
    expect(() => many.encode('a')).toThrow(beyond(/more than 50 characters/))
    const decoding = tokenizer({ decoder: { type: 'Sequence', decoders: doubling } }, { characters: 50 })
    expect(() => decoding.decode([0])).toThrow(beyond(/more than 50 characters/))
  })

  it('takes a text that is longer than the limit, where nothing grows', () => {
    const spaces = tokenizer({ normalizer: replace({ String: ' ' }, '▁') }, { characters: 2 })
    expect(pieces(spaces, 'a b c')).toEqual(['a', '▁', 'b', '▁', 'c'])
  })

  it('takes a dollar in a replacement for a dollar', () => {
    expect(pieces(tokenizer({ normalizer: replace({ String: 'a' }, '$`$&') }), 'ba')).toEqual(['b', '$', '$'])
  })

  it.each([
    ['an added token', { added_tokens: [{ id: 6, content: 'a'.repeat(11), special: true }] }],
    ['what is put before a text', { normalizer: { type: 'Prepend', prepend: '_'.repeat(11) } }],
    ['a word', { model: { type: 'WordPiece', unk_token: 'a', vocab: { a: 0 }, max_input_chars_per_word: 11 } }],
    [
      'a piece',
      {
        model: {
          type: 'Unigram',
          unk_id: 0,
          vocab: [
            ['a', 0],
            ['a'.repeat(11), -1],
          ],
        },
      },
    ],
  ])('is not taken where %s is longer than any', (_, parts) => {
    expect(() => tokenizer(parts, { tokenCharacters: 10 })).toThrow(beyond(/11 characters, more than 10/))
  })
})
