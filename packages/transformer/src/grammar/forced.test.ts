import { readFileSync } from 'node:fs'
import { testData } from '@outrider/test-data'
import { describe, expect, it } from 'vitest'
import { onlyAllowed } from '../generation/constraint'
import { byteTokenizer, Tokenizer } from '../tokenizer/index'
import { jsonSchemaConstraint } from './json-constraint'
import { spelt } from './spelt'

const read = (name: string) => readFileSync(testData(name), 'utf8')
const end = 2
const tokenizers = {
  'bytes grown together (SmolLM2)': Tokenizer.fromJson(read('tokenizers/smollm2-cut.json')),
  'pieces with a space before the text (Phi-3)': Tokenizer.fromJson(
    read('vocabularies/phi-3/tokenizer.json'),
    read('vocabularies/phi-3/tokenizer_config.json'),
  ),
  'single bytes': byteTokenizer(),
}
const schema = {
  type: 'object',
  properties: { first_name: { type: 'string' }, née: { const: 'Curie' }, ok: { type: 'boolean' } },
  required: ['first_name', 'née', 'ok'],
} as const

describe.each(Object.entries(tokenizers))('what a grammar forces, in %s', (_, tokenizer) => {
  const model = { tokenizer, generationConfig: { eosTokenIds: [end] } }
  const after = (text: string, whiteSpace: 'compact' | 'spaced' = 'compact') => {
    const constraint = jsonSchemaConstraint(model, schema, { whiteSpace }).clone()
    for (const id of spelt(tokenizer, new TextEncoder().encode(text))) constraint.accept(id)
    return constraint
  }
  const textOf = (ids: readonly number[]) => Buffer.concat(ids.map((id) => tokenizer.tokenBytes(id))).toString()

  it.each([
    ['', 'compact', '{"first_name":"'],
    ['{"first_name":"Marie"', 'compact', ',"née":"Curie","ok":'],
    ['{"first_name":"Marie","née":"Curie","ok":tr', 'compact', 'ue}'],
    ['{"', 'spaced', 'first_name"'],
    ['{"first_name": "Marie", "n', 'spaced', 'ée"'],
  ] as const)('after %j, %s, is %j, cut as the tokenizer cuts it', (said, whiteSpace, forced) => {
    const constraint = after(said, whiteSpace)
    const ids = constraint.forced(100)
    expect(textOf(ids)).toBe(forced)
    const few = constraint.forced(2)
    expect(few).toEqual(ids.slice(0, 2))
    for (const id of ids) constraint.accept(id)
  })

  it('is nothing where several texts may come, or the end, and after it', () => {
    expect(after('{"first_name":"Ma').forced(8)).toEqual([])
    expect(after('{"first_name":"Marie","née":"Curie","ok":').forced(8)).toEqual([])
    const whole = after('{"first_name":"Marie","née":"Curie","ok":true}')
    expect(whole.forced(8)).toEqual([])
    whole.accept(end)
    expect(whole.forced(8)).toEqual([])
  })
})

describe('a mask', () => {
  it('says which id is alone', () => {
    expect(onlyAllowed(null)).toBeUndefined()
    expect(onlyAllowed(Uint32Array.of(0, 0))).toBeUndefined()
    expect(onlyAllowed(Uint32Array.of(0, 0x80000000, 0))).toBe(63)
    expect(onlyAllowed(Uint32Array.of(1, 0))).toBe(0)
    expect(onlyAllowed(Uint32Array.of(0, 6))).toBeUndefined()
    expect(onlyAllowed(Uint32Array.of(4, 4))).toBeUndefined()
  })
})
