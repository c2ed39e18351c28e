import { expect, it } from 'vitest'
import { deepSeek3, knownExpressions, o200k, tekken } from './known-expressions'
import { Tokenizer } from './tokenizer'

const texts = [
  ...['a', 'A', 'aA', 'Aa', ' ', '\n', '\r\n', '7', '中', 'ー', '🙂', '<|', "'s", "'", '-/', ' A', '\u0301', 'x7 '].map(
    (piece) => piece.repeat(3000),
  ),
  `${' '.repeat(3000)}x`,
  `\n${' '.repeat(999)}`.repeat(3),
  `${'A'.repeat(3000)}'`,
  `${'\u0301A'.repeat(1500)}7`,
]

const cutting = (Regex: string) =>
  Tokenizer.fromJson(
    {
      version: '1.0',
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false },
      post_processor: null,
      decoder: null,
      model: { type: 'BPE', vocab: { a: 0 }, merges: [] },
    },
    {},
    '',
    { pattern: { base: 1000, perCharacter: 60 } },
  )

it.each([...knownExpressions])(
  'a known expression takes a few steps for each character of any text: %s',
  (expression) => {
    // In a group it is no longer the one that is known, and its steps are counted.
    const counted = cutting(`(?:${expression})`)
    for (const text of texts) expect(() => counted.encode(text)).not.toThrow()
  },
)

it('knows the expressions as the files of their models have them', () => {
  expect(o200k).toBe(
    String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  )
  expect(tekken).toBe(
    String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  )
  expect(deepSeek3).toBe(
    `[!"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_\`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
  )
})
