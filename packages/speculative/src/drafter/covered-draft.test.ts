import type { Device } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { resolveSampling, type SamplingOptions } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { SpeculativeDecoder } from '../decoder'
import { referenceDistribution } from '../reference-distribution.fixture'
import { letters, TableModel } from '../table-model.fixture'
import type { DrawnDraft } from './drafter'
import { modelDrafter } from './model-drafter'
import { rowsOfP } from './rows-of-p.fixture'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

const target = [
  [0.3, 0.7, 1.5, 0.1, 0.4],
  [1.5, 0.2, 0.9, -1, 0.6],
  [-0.4, 1.4, 0.3, 1.1, 0.2],
  [0.6, -0.7, 1.3, 0.2, 1],
  [0.1, 0.9, 0.2, 0.5, -0.3],
]
const draft = [
  [0.9, 2.6, 1.2, 0.4, 0.7],
  [0.7, 0.9, 0.8, -0.3, 1.1],
  [0.2, 2.3, 1.2, 0.4, 0.1],
  [0.5, 0.6, 0.4, 0.9, 0.8],
  [1.1, 0.2, 0.4, 0.3, 0.6],
]
const coveredIds = [0, 2, 3]
const covers = (id: number) => coveredIds.includes(id)

/** The distribution in float64: every other id has logit −∞, and p = 0. */
const wanted = (row: readonly number[], sampling: SamplingOptions) => {
  const some = referenceDistribution(
    coveredIds.map((id) => row[id]!),
    sampling,
  )
  return row.map((_, id) => (covers(id) ? some[coveredIds.indexOf(id)]! : 0))
}

/** What drafts after each symbol are drawn from, as verification is given it: a row a symbol, and the ids that were drawn. */
async function drafted(sampling: SamplingOptions, columns: number) {
  const model = new TableModel(device, draft, { coveredIds })
  const session = modelDrafter(model).open({ device, vocabularySize: columns, capacity: 32 })
  const rows = new Map<number, number[]>()
  const ids: number[] = []
  for (let seed = 0; rows.size < draft.length; seed++) {
    // Long enough a prompt at first that it is read by itself; then as in decoding.
    const tokens = [...new Array<number>(17).fill(4), seed % draft.length]
    const block = device.scope(() =>
      session.draft({ tokens, draftLength: 3, sampling: resolveSampling({ ...sampling, seed }), offset: 0 }),
    ) as DrawnDraft
    const drawn = [...(await block.tokens.data())]
    const probabilities = await rowsOfP(block, columns)
    for (const [i, state] of [tokens.at(-1)!, ...drawn].slice(0, 3).entries()) rows.set(state, probabilities[i]!)
    ids.push(...drawn)
    session.keep(seed % 2 === 0 ? tokens.length - 1 : 0)
  }
  session.dispose()
  model.dispose()
  return { chain: draft.map((_, symbol) => rows.get(symbol)!), ids }
}

describe.each<SamplingOptions>([
  {},
  { temperature: 1 },
  { temperature: 0.7, topK: 2 },
  { temperature: 1.5, topP: 0.7 },
  { temperature: 1.2, topK: 2, topP: 0.6 },
])('a draft over some ids, %o', (sampling) => {
  // A target with fewer columns than the draft takes the way of all logits.
  it.each([draft.length, draft.length - 1])('is drawn from p over all %i ids, and says no other', async (columns) => {
    const { chain, ids } = await drafted(sampling, columns)
    for (const [symbol, row] of chain.entries())
      for (const [id, p] of row.entries()) expect(p).toBeCloseTo(wanted(draft[symbol]!, sampling)[id]!, 6)
    expect(ids.every(covers)).toBe(true)
  })
})

it('greedy answers are those of plain decoding, and ids that are not covered come from the target alone', async () => {
  const model = new TableModel(device, target)
  const drafter = new TableModel(device, draft, { coveredIds })
  const answer = async (draftLength: number) => {
    const decoder = new SpeculativeDecoder({ target: letters(model), drafter: letters(drafter), draftLength })
    const blocks = []
    for await (const block of decoder.generate([0, 1], { maxTokens: 12 })) blocks.push(block)
    return blocks
  }
  const [plain, speculated] = [await answer(0), await answer(3)]
  const tokens = (blocks: typeof plain) => blocks.flatMap((block) => block.tokens)
  expect(tokens(speculated)).toEqual(tokens(plain))
  expect(tokens(plain).some((id) => !covers(id))).toBe(true)
  for (const { tokens, sources } of speculated)
    for (const [i, id] of tokens.entries()) if (!covers(id)) expect(sources[i]).not.toBe('draft')
  for (const each of [model, drafter]) each.dispose()
})
