import { readFileSync } from 'node:fs'
import { testData } from '@outrider/test-data'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formatsOf from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { isAllowed } from '../generation/constraint'
import { Tokenizer } from '../tokenizer/index'
import { conformance } from './conformance.fixture'
import type { GrammarConstraint } from './grammar-constraint'
import { jsonSchemaConstraint } from './json-constraint'

const read = (name: string) => readFileSync(testData(name), 'utf8')
const end = 2
const smollm2 = Tokenizer.fromJson(read('tokenizers/smollm2-cut.json'))
const llama = Tokenizer.fromJson(
  read('vocabularies/phi-3/tokenizer.json'),
  read('vocabularies/phi-3/tokenizer_config.json'),
)
const models = [smollm2, llama].map((tokenizer) => ({ tokenizer, generationConfig: { eosTokenIds: [end] } }))

const ajv = formatsOf.default(new Ajv2020({ strict: false }))

/** Numbers from 0 to 1, always the same for a seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}

const idsOf = (mask: Uint32Array): number[] => {
  const ids: number[] = []
  for (const [at, word] of mask.entries())
    for (let bits = word; bits !== 0; bits &= bits - 1) ids.push(at * 32 + 31 - Math.clz32(bits & -bits))
  return ids
}

/** Tokens of quotes and closing brackets alone. */
const closes = new Map(
  models.map(({ tokenizer }) => {
    const ids = Array.from({ length: tokenizer.vocabularySize }, (_, id) => id)
    return [tokenizer, new Set(ids.filter((id) => /^["\]}]+$/.test(tokenizer.idToToken(id) ?? '')))]
  }),
)

/** A text that a careless model might say: any allowed token; the longer it is, the likelier one that closes something. */
function walk(constraint: GrammarConstraint, tokenizer: Tokenizer, draw: () => number): string {
  const said: number[] = []
  for (;;) {
    const allowed = idsOf(constraint.allowed())
    if (allowed.includes(end) && draw() < 0.2 + said.length / 50) break
    const closing = allowed.filter((id) => closes.get(tokenizer)!.has(id))
    const among =
      closing.length > 0 && draw() < Math.min(0.7, said.length / 40) ? closing : allowed.filter((id) => id !== end)
    const id = among.length > 0 ? among[Math.floor(draw() * among.length)]! : end
    if (id === end) break
    constraint.accept(id)
    said.push(id)
    if (said.length > 2000) throw new Error(`no end: ${tokenizer.decode(said)}`)
  }
  constraint.accept(end)
  return tokenizer.decode(said)
}

/** How many tokens of a text are taken, all of them and the end for a text that fits. */
function taken(constraint: GrammarConstraint, ids: readonly number[]): number {
  for (const [at, id] of [...ids, end].entries()) {
    if (!isAllowed(constraint.allowed(), id)) return at
    constraint.accept(id)
  }
  return ids.length + 1
}

describe('an answer constrained by a schema', () => {
  it.each(conformance)('$name: is JSON that fits it, whatever is drawn', ({ schema }) => {
    const validate = ajv.compile(schema)
    for (const [at, model] of models.entries()) {
      const constraint = jsonSchemaConstraint(model, schema)
      for (let seed = 0; seed < 5; seed++) {
        const text = walk(constraint.clone(), model.tokenizer, random(1000 * at + seed))
        const value = JSON.parse(text)
        expect(validate(value), `${text}: ${ajv.errorsText(validate.errors)}`).toBe(true)
      }
    }
  })

  it.each(conformance)(
    '$name: may be any value that fits, compact or not, and none that does not',
    ({ schema, valid, invalid }) => {
      const validate = ajv.compile(schema)
      for (const { tokenizer, ...model } of models) {
        const constraint = jsonSchemaConstraint({ tokenizer, ...model }, schema)
        const compact = jsonSchemaConstraint({ tokenizer, ...model }, schema, { whiteSpace: 'compact' })
        const ids = (text: string) => tokenizer.encode(text, { addSpecialTokens: false })
        for (const value of valid) {
          expect(validate(value), JSON.stringify(value)).toBe(true)
          const written = [JSON.stringify(value), JSON.stringify(value, null, 2)]
          for (const text of written)
            expect([text, taken(constraint.clone(), plain(tokenizer, ids(text)))]).toEqual([
              text,
              plain(tokenizer, ids(text)).length + 1,
            ])
          const tokens = plain(tokenizer, ids(written[0]!))
          expect([value, taken(compact.clone(), tokens)]).toEqual([value, tokens.length + 1])
        }
        for (const value of invalid) {
          expect(validate(value), JSON.stringify(value)).toBe(false)
          const tokens = plain(tokenizer, ids(JSON.stringify(value)))
          expect([value, taken(constraint.clone(), tokens)]).not.toEqual([value, tokens.length + 1])
        }
      }
    },
  )
})

/** Llama's tokenizer begins every text with a space that is not there. */
function plain(tokenizer: Tokenizer, ids: readonly number[]): number[] {
  const [first] = ids
  const text = tokenizer.idToToken(first!)!
  if (!text.startsWith('▁')) return [...ids]
  const without = text.slice(1)
  const known = without === '' ? [] : [tokenizer.tokenToId(without)]
  if (known.includes(undefined)) throw new Error(`${text} has no piece without its space`)
  return [...(known as number[]), ...ids.slice(1)]
}
