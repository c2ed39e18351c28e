import { readFileSync } from 'node:fs'
import { testData } from '@outrider/test-data'
import { describe, expect, it } from 'vitest'
import type { FileWarning } from '../files/index'
import { byteTokenizer } from './byte-tokenizer'
import { modelKeys } from './model/model-json'
import { decoders } from './steps/decoders'
import { normalizers } from './steps/normalizers'
import { postProcessors } from './steps/post-processors'
import { preTokenizers } from './steps/pre-tokenizers'
import { type JsonFile, Tokenizer, tokenizerJsonKeys } from './tokenizer'
import { harmlessConfigKeys, usedConfigKeys } from './tokenizer-config-keys'

type KeysByType = Record<string, string[]>

/** Recorded from transformers 5.24.0 and tokenizers 0.23.3 by record-keys.py beside it. */
const known = JSON.parse(readFileSync(testData('tokenizers/keys.json'), 'utf8')) as {
  'tokenizer.json': string[]
  added_tokens: string[]
  normalizer: KeysByType
  pre_tokenizer: KeysByType
  post_processor: KeysByType
  decoder: KeysByType
  model: KeysByType
  'tokenizer_config.json': string[]
}

const json = JSON.parse(byteTokenizer().toFiles()['tokenizer.json']!) as Record<string, unknown> & {
  model: object
  added_tokens: object[]
}

/** Steps that would change tokens and are refused. */
const refused: Record<string, readonly string[]> = { pre_tokenizer: ['UnicodeScripts'] }

function warningsOf(files: { json?: JsonFile; config?: JsonFile }): FileWarning[] {
  const warnings: FileWarning[] = []
  Tokenizer.fromJson(files.json ?? json, files.config ?? {}, 'm/', { onWarning: (warning) => warnings.push(warning) })
  return warnings
}

describe('a key of a tokenizer', () => {
  it.each([
    ['normalizer', normalizers],
    ['pre_tokenizer', preTokenizers],
    ['post_processor', postProcessors],
    ['decoder', decoders],
  ] as const)(
    'is known in every step that the Rust library writes, or the step is refused by name: %s',
    (place, table) => {
      for (const [type, keys] of Object.entries(known[place]))
        if (refused[place]?.includes(type))
          expect(() => Tokenizer.fromJson({ ...json, [place]: { type } }, {}, 'm/')).toThrow(
            expect.objectContaining({
              code: 'UNSUPPORTED',
              message: expect.stringContaining(`m/tokenizer.json: ${place} has the step "${type}"`),
            }),
          )
        else expect({ type, keys: table[type]?.keys }).toEqual({ type, keys: expect.arrayContaining(keys) })
    },
  )

  it('is known in every model, added token and file that the Rust library writes', () => {
    for (const [type, keys] of Object.entries(known.model))
      expect(modelKeys[type as keyof typeof modelKeys]).toEqual(expect.arrayContaining(keys))
    expect(tokenizerJsonKeys).toEqual(expect.arrayContaining(known['tokenizer.json']))
    expect(Object.keys(json.added_tokens[0]!)).toEqual(expect.arrayContaining(known.added_tokens))
    expect(warningsOf({})).toEqual([])
  })

  it('of tokenizer_config.json is used or harmless, as transformers knows them, and in one list only', () => {
    const lists = [...usedConfigKeys, ...harmlessConfigKeys]
    expect(lists).toEqual(expect.arrayContaining(known['tokenizer_config.json']))
    expect(new Set(lists).size).toBe(lists.length)
  })

  it('that nobody knows is passed over and named once for each file', () => {
    const foreign = {
      ...json,
      flavour: 1,
      model: { ...json.model, speed: 2 },
      decoder: { type: 'Sequence', decoders: [{ type: 'Fuse', force: true }] },
      added_tokens: [{ ...json.added_tokens[0], colour: 'red' }],
    }
    expect(warningsOf({ json: foreign, config: { tone: 3 } }).map(({ message }) => message)).toEqual([
      'm/tokenizer.json: not known here, and ignored: model.speed, added_tokens.colour, Fuse.force and flavour.',
      'm/tokenizer_config.json: not known here, and ignored: tone.',
    ])
  })

  it.each([
    [
      'a step of a later library',
      { normalizer: { type: 'Sequence', normalizers: [{ type: 'New' }] } },
      'normalizer.normalizers[0] has the step "New"',
    ],
    ['another model', { model: { type: 'Bytes', vocab: {} } }, 'has the model "Bytes"'],
    [
      'an expression that JavaScript cannot say',
      { pre_tokenizer: { type: 'Split', pattern: { Regex: '\\X' }, behavior: 'Isolated', invert: false } },
      'pre_tokenizer has the expression "\\\\X"',
    ],
    ['lots', { model: { ...json.model, dropout: 0.1 } }, 'has a dropout of 0.1'],
  ])('is refused by name where tokens would change: %s', (_, parts, message) => {
    expect(() => Tokenizer.fromJson({ ...json, ...parts }, {}, 'm/')).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining(message) }),
    )
  })

  it('is refused where it is not what it must be', () => {
    const wrong: [object, RegExp][] = [
      [
        { pre_tokenizer: { type: 'Punctuation', behavior: 'isolated' } },
        /behavior must be one of Removed, .*"isolated"/,
      ],
      [{ pre_tokenizer: { type: 'Split', pattern: 'a', behavior: 'Isolated', invert: false } }, /pattern must be/],
      [{ pre_tokenizer: { type: 'Digits' } }, /individual_digits must be true or false, but is not there/],
      [{ normalizer: { type: 'Precompiled', precompiled_charsmap: 'AAAA' } }, /precompiled_charsmap must be a table/],
      [{ post_processor: { type: 'TemplateProcessing', single: [{ SpecialToken: { id: 'x' } }] } }, /ids of "x"/],
      [
        { added_tokens: [{ id: 1, content: 'a', lstrip: 'yes' }] },
        /lstrip of the added token "a" is not true or false/,
      ],
    ]
    for (const [parts, message] of wrong)
      expect(() => Tokenizer.fromJson({ ...json, ...parts })).toThrow(
        expect.objectContaining({ code: 'FILE_FORMAT', message: expect.stringMatching(message) }),
      )
    expect(() => Tokenizer.fromJson(json, { split_special_tokens: true })).toThrow(/split_special_tokens true/)
  })
})
