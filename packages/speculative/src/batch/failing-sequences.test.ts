import { type Device, OutriderError } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { generate } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { TableConstraint } from '../constraint.fixture'
import { letters, TableModel } from '../table-model.fixture'
import { SpeculativeBatch } from './speculative-batch'

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
    const target = letters(model)
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
