import { readFileSync } from 'node:fs'
import { testData } from '@outrider/test-data'
import { describe, expect, it } from 'vitest'
import { isAllowed } from '../generation/constraint'
import { byteTokenizer, Tokenizer } from '../tokenizer/index'
import { functionCallConstraint } from './call-constraint'
import { jsonObjectConstraint, jsonSchemaConstraint } from './json-constraint'
import type { JsonSchema } from './json-schema/keywords'

const smollm2 = Tokenizer.fromJson(readFileSync(testData('tokenizers/smollm2-cut.json'), 'utf8'))
const end = 2
const model = { tokenizer: smollm2, generationConfig: { eosTokenIds: [end] } }
const bytes = { tokenizer: byteTokenizer(), generationConfig: { eosTokenIds: [257] } }
const ids = (text: string) => smollm2.encode(text, { addSpecialTokens: false })

describe('a mask', () => {
  it.each<[string, JsonSchema, unknown]>([
    [
      'strings of a length',
      { type: 'string', minLength: 12, maxLength: 60 },
      `It is "so" long, and é ${'x'.repeat(30)}`,
    ],
    ['what is nested', true, { a: [[{ b: 'c, d' }], []], e: null }],
    [
      'ambiguous ways',
      {
        anyOf: [
          { type: 'array', items: { type: 'integer' } },
          { type: 'array', items: { type: 'number' } },
        ],
      },
      [1, 23, 4.5],
    ],
    [
      'other names',
      { type: 'object', properties: { the: { type: 'integer' } }, additionalProperties: true },
      { the: 1, thee: 'x' },
    ],
  ])('has just the tokens whose bytes may follow, with %s', (_, schema, value) => {
    const constraint = jsonSchemaConstraint(model, schema).clone()
    for (const said of ids(JSON.stringify(value))) {
      const mask = constraint.allowed()
      const wrong = Array.from({ length: smollm2.vocabularySize }, (_, id) => id).filter((id) => {
        const next = constraint.clone()
        try {
          next.accept(id)
        } catch {
          return isAllowed(mask, id)
        }
        return !isAllowed(mask, id)
      })
      expect(wrong).toEqual([])
      constraint.accept(said)
    }
    expect(constraint.complete).toBe(true)
  })

  it('is not changed by what a clone says', () => {
    const constraint = jsonObjectConstraint(model)
    const before = [...constraint.allowed()]
    const clone = constraint.clone()
    for (const id of ids('{"a": 1}')) clone.accept(id)
    expect([...constraint.allowed()]).toEqual(before)
    expect(() => clone.accept(ids('x')[0]!)).toThrow(/not allowed here/)
    clone.accept(end)
    expect(() => clone.accept(end)).toThrow(/not allowed here/)
  })

  it('has the special tokens of calls where they stand, and nowhere else', () => {
    const tokenizer = byteTokenizer({ specialTokens: ['<s>', '</s>', '[TOOL_CALLS]'] })
    const form = {
      begin: '[TOOL_CALLS] [',
      end: ']',
      open: '',
      close: '',
      between: ', ',
      argumentsKey: 'arguments',
    } as const
    const functions = [
      { name: 'f' },
      { name: 'far', parameters: { type: 'object', properties: { a: { type: 'integer' } } } },
    ]
    const calls = functionCallConstraint({ tokenizer, generationConfig: { eosTokenIds: [257] } }, form, functions, {
      parallel: true,
    })
    const said = (text: string) => {
      const constraint = calls.clone()
      for (const id of tokenizer.encode(text, { addSpecialTokens: false })) constraint.accept(id)
      return constraint.complete
    }
    expect(said('[TOOL_CALLS] [{"name": "f", "arguments": {}}, {"name":"far","arguments":{"a": 5}}]')).toBe(true)
    expect(said('[TOOL_CALLS] [{"name": "f", "arguments": {}}')).toBe(false)
    for (const text of [
      '[{',
      '[TOOL_CALLS] []',
      '[TOOL_CALLS] [{"name": "fa"',
      '[TOOL_CALLS] [{"name": "f", "arguments": {"a"',
    ])
      expect(() => said(text)).toThrow(/not allowed here/)
  })
})

describe('a schema', () => {
  const depth = (levels: number): JsonSchema => (levels === 0 ? true : { type: 'array', items: depth(levels - 1) })

  it.each<[string, JsonSchema, string]>([
    ['not', { not: { type: 'string' } }, 'not is not supported'],
    ['if', { properties: { a: { if: true } } }, 'at #/properties/a, if is not supported'],
    ['multipleOf', { type: 'integer', multipleOf: 3 }, 'multipleOf is not supported'],
    ['uniqueItems', { type: 'array', uniqueItems: true }, 'uniqueItems is not supported'],
    ['patternProperties', { type: 'object', patternProperties: {} }, 'patternProperties is not supported'],
    ['a format that is not known', { type: 'string', format: 'idn-email' }, 'the format "idn-email" is not supported'],
    ['a pattern that looks around', { type: 'string', pattern: '^(?=a)b' }, '(?=a) is not supported'],
    ['a pattern that refers back', { type: 'string', pattern: '(a)\\1' }, '\\1 is not supported'],
    ['a pattern beside a length', { type: 'string', pattern: 'a', maxLength: 3 }, 'beside pattern is not supported'],
    [
      'alternatives that may both hold',
      { oneOf: [{ type: 'integer' }, { type: 'number' }] },
      'may fit both 0 and 1 of oneOf',
    ],
    ['another document', { $ref: 'https://example.org/a.json' }, '$ref leads out of the schema'],
    ['bounds with exponents', { type: 'number', minimum: 1e-9 }, 'a bound beyond 1e9 or with an exponent'],
  ])('with %s is refused by name', (_, schema, message) => {
    const error = (() => {
      try {
        jsonSchemaConstraint(bytes, schema)
      } catch (error) {
        return error
      }
      return undefined
    })()
    expect(error).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining(message) })
  })

  it.each<[string, JsonSchema, RegExp]>([
    ['a keyword that nobody knows', { minLenght: 3 }, /Did you mean minLength\?/],
    ['no type', { type: 'text' }, /"text" is no type/],
    ['a reference to nothing', { $ref: '#/$defs/a' }, /"#\/\$defs\/a" leads to nothing/],
    ['a reference to itself', { anyOf: [{ $ref: '#' }, { type: 'null' }] }, /leads to itself/],
    [
      'what asks for itself without end',
      { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] },
      /Nothing can be said/,
    ],
    ['bounds that exclude each other', { type: 'integer', minimum: 3, maximum: 2 }, /Nothing can be said/],
    ['a pattern that is none', { type: 'string', pattern: '(' }, /no regular expression/],
    ['more depth than any has', depth(70), /within one another/],
    [
      'more properties than any has',
      { properties: Object.fromEntries(Array.from({ length: 501 }, (_, i) => [`p${i}`, true])) },
      /501 properties/,
    ],
    ['an endless list of values', { enum: Array.from({ length: 60_000 }, (_, i) => `${i * 7919}-${i}`) }, /too large/],
  ])('with %s is refused', (_, schema, message) => {
    expect(() => jsonSchemaConstraint(bytes, schema)).toThrow(message)
  })

  it('that is ambiguous without end stays bounded, and a text of it is finished all the same', () => {
    const list = { type: 'array', items: { $ref: '#' } }
    const constraint = jsonSchemaConstraint(bytes, {
      anyOf: [list, { ...list, maxItems: 9 }, { type: 'null' }],
    }).clone()
    const say = (text: string) => {
      for (const byte of new TextEncoder().encode(text)) {
        expect(isAllowed(constraint.allowed(), byte)).toBe(true)
        constraint.accept(byte)
      }
    }
    say(`${'['.repeat(40)}null${']'.repeat(40)}`)
    expect(constraint.complete).toBe(true)
  })
})
