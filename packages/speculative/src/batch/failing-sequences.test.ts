import { type Device, OutriderError } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { generate } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { TableConstraint } from '../constraint.fixture'
import { chiSquareScore, lawOfThree } from '../reference-distribution.fixture'
import { letters, TableModel } from '../table-model.fixture'
import { SpeculativeBatch } from './speculative-batch'
import type { SequenceBlock, SpeculativeSequence } from './speculative-sequence'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

const table = [
  [0.3, 1.2, -0.5],
  [1.5, 0.2, 0.9],
  [-0.4, 0.8, 0.3],
]
/** Everything after itself, and one thing beside. */
const constraint = new TableConstraint([
  [1, 2],
  [0, 2],
  [0, 1],
])

/** Finds memory for so many passes. */
class Poor extends TableModel {
  left = 0
  override forward(...args: Parameters<TableModel['forward']>) {
    if (this.left-- === 0) throw new OutriderError('OUT_OF_MEMORY', 'There is none.')
    return super.forward(...args)
  }
}

describe('a sequence for whose draft there is no memory', () => {
  it.each([
    ['an ordinary one', 0, undefined],
    ['one under a constraint, at its first token', 0, constraint],
    ['one under a constraint, in the middle', 1, constraint],
  ])('goes on plainly, and others as they were: %s', async (_, left, constrained) => {
    const [model, draft, poor] = [new TableModel(device, table), new TableModel(device, table), new Poor(device, table)]
    poor.left = left
    const target = { ...letters(model), dispose() {} }
    using batch = new SpeculativeBatch({ target, drafter: letters(draft), size: 2 })
    const options = { maxTokens: 12, constraint: constrained }
    const other = batch.join([1], { maxTokens: 12, draftLength: 3 })
    const its = batch.join([0], { ...options, draftLength: 3, drafter: letters(poor) })
    while (batch.count > 0) await batch.step()
    expect(its.answer.tokens).toEqual((await generate(target, [0], options).result).tokens)
    expect(its.metrics.numDraftTokens).toBe(0)
    expect(poor.left).toBe(-1) // asked no more
    expect(other.answer.tokens).toEqual((await generate(target, [1], { maxTokens: 12 }).result).tokens)
    // What is drafted together fails together.
    expect(other.metrics.numAcceptedTokens > 0).toBe(constrained !== undefined)
    expect([model, draft, poor].map(({ openCaches }) => openCaches)).toEqual([0, 0, 0])
    for (const each of [model, draft, poor]) each.dispose()
  })
})

describe('a sequence after whose tokens logits are no numbers', () => {
  /** What follows a symbol is none. */
  const without = (rows: readonly number[][], symbol: number) =>
    new TableModel(
      device,
      rows.map((row, i) => (i === symbol ? row.map(() => Number.NaN) : row)),
    )
  /** 0 and 1 go on for ever; after 3 comes 2. */
  const four = [
    [0, 3, 1, -2],
    [3, 0, 1, -2],
    [1, 1, 0, 0],
    [0, 1, 5, 2],
  ]

  it.each([
    ['plainly', 0, 0],
    ['with drafts', 3, 0],
    ['with drafts, drawn', 3, 1],
  ])(
    'fails alone where they are the target’s, and others have their answers: %s',
    async (_, draftLength, temperature) => {
      const [model, draft] = [without(four, 2), new TableModel(device, four)]
      const before = device.memory.liveBuffers
      using batch = new SpeculativeBatch({ target: letters(model), drafter: letters(draft), size: 4 })
      const told: { sequence: SpeculativeSequence; error: unknown }[] = []
      batch.onFailure = (sequence, error) => told.push({ sequence, error })
      const options = { draftLength, temperature, seed: 1, topK: 1, maxTokens: 9 }
      const sequences = [[0], [3], [1], [2]].map((prompt) => batch.join(prompt, options))
      const blocks: SequenceBlock[] = []
      while (batch.count > 0) blocks.push(...(await batch.step()))
      expect(new Set(told.map(({ sequence }) => sequence))).toEqual(new Set([sequences[1], sequences[3]]))
      for (const { error } of told) expect(error).toMatchObject({ code: 'NOT_FINITE' })
      const said = (sequence: SpeculativeSequence) =>
        blocks.flatMap((block) => (block.sequence === sequence ? block.tokens : []))
      expect(sequences.map(said)).toEqual([[1, 0, 1, 0, 1, 0, 1, 0, 1], [2], [0, 1, 0, 1, 0, 1, 0, 1, 0], []])
      expect(device.memory.liveBuffers).toBe(before)
      batch.onFailure = undefined
      batch.join([3], { ...options, draftLength })
      await batch.step()
      await expect(batch.step()).rejects.toMatchObject({ code: 'NOT_FINITE' })
      batch.dispose()
      expect([model.openCaches, draft.openCaches]).toEqual([0, 0])
      for (const each of [model, draft]) each.dispose()
    },
  )

  it("goes on plainly where they are the draft's, greedily to the same answer", async () => {
    const [model, draft] = [new TableModel(device, four), without(four, 0)]
    using batch = new SpeculativeBatch({ target: letters(model), drafter: letters(draft), size: 4 })
    batch.onFailure = (_, error) => expect(error).toBeUndefined()
    const sequences = [[0], [3]].map((prompt) => batch.join(prompt, { draftLength: 3, maxTokens: 8 }))
    while (batch.count > 0) await batch.step()
    expect(sequences.map(({ answer }) => answer.tokens)).toEqual([
      [1, 0, 1, 0, 1, 0, 1, 0],
      [2, 0, 1, 0, 1, 0, 1, 0],
    ])
    batch.onFailure = undefined
    batch.join([0], { draftLength: 3, maxTokens: 8 })
    await batch.step()
    await expect(batch.step()).rejects.toThrow(/^The draft /)
    batch.dispose()
    for (const each of [model, draft]) each.dispose()
  })

  it("goes on plainly where they are the draft's, by the target's law (χ²)", async () => {
    const [model, draft] = [
      new TableModel(device, table),
      without(
        [
          [0.9, 0.6, -0.2],
          [0.7, 0.9, 0.8],
          [0, 0, 0],
        ],
        2,
      ),
    ]
    const sampling = { temperature: 0.8 }
    const law = lawOfThree(table, sampling)
    const batch = new SpeculativeBatch({ target: letters(model), drafter: letters(draft), size: 16 })
    batch.onFailure = (_, error) => expect(error).toBeUndefined()
    const observed = new Map<string, number>()
    const drafted = new Set<boolean>()
    for (let round = 0; round < 30; round++) {
      const sequences = Array.from({ length: 16 }, (_, i) =>
        batch.join([0], { ...sampling, seed: 16 * round + i, maxTokens: 3, draftLength: 2 }),
      )
      while (batch.count > 0) await batch.step()
      for (const { answer, metrics } of sequences) {
        drafted.add(metrics.numDraftTokens > 0)
        observed.set(answer.tokens.join(), (observed.get(answer.tokens.join()) ?? 0) + 1)
      }
    }
    expect(drafted.size).toBe(2)
    expect(chiSquareScore(observed, law)).toBeLessThan(3)
    for (const each of [model, draft]) each.dispose()
  })
})
