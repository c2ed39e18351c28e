import { batchesOnce } from '@outrider/dataset'
import { kld, lossByName, lossNames } from '@outrider/losses'
import { type PretrainedModel, parallelDraft } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { evaluate } from '../evaluation/evaluate'
import { distill, distillation } from '../loop/distill'
import { patterns, tinyDraft } from '../loop/runs.fixture'
import { trainedTarget } from '../loop/trained-target.fixture'

let target: PretrainedModel
beforeAll(async () => {
  target = await trainedTarget()
})

/** Its mask is a byte that no text has. */
const fresh = () => {
  const sequential = tinyDraft(target)
  const draft = parallelDraft(sequential, { maskTokenId: 7 })
  sequential.dispose()
  return draft
}

describe('adapting a draft to propose several tokens at once', () => {
  it('raises α at the later positions to that of the first, and with it how long its blocks are', async () => {
    const draft = fresh()
    const run = { draft, target, data: patterns, loss: kld, batchSize: 4, length: 24, learningRate: 1e-2 }
    await distill({ ...run, steps: 40 })
    const validation = await batchesOnce(patterns, target, { length: 24 })
    const parallel = { draftLength: 4 }
    const before = await evaluate(draft, distillation(draft, target, kld, { parallel }), validation)
    const { history } = await distill({ ...run, steps: 25, parallel, validation })
    const after = history.at(-1)!
    const [was, is] = [before, after].map(({ eval_parallel }) => eval_parallel!.acceptance_rates)
    expect(was![3]).toBeLessThan(was![0]! - 0.1) // a token at a time is what it has learnt
    for (const [k, least] of [0.01, 0.03, 0.08, 0.1].entries())
      expect(is![k], `position ${k + 1}`).toBeGreaterThan(was![k]! + least)
    expect(is![3]).toBeGreaterThan(is![0]! - 0.05)
    expect(after.eval_acceptance_length![4]!).toBeGreaterThan(before.eval_acceptance_length![4]! + 0.3)
    const steps = history.filter(({ loss }) => loss !== undefined)
    for (const { parallel, acceptance_rate } of steps) {
      expect(parallel!.acceptance_rates).toHaveLength(4)
      expect(parallel!.acceptance_rates[0]).toBeCloseTo(acceptance_rate!, 5)
    }
    draft.dispose()
  })

  it('goes with every row loss', async () => {
    for (const name of lossNames) {
      const draft = fresh()
      const parallel = { draftLength: 3, weighting: 'reach' as const }
      const options = { data: patterns, steps: 1, batchSize: 2, length: 24, accumulation: 2, parallel }
      const { history } = await distill({ draft, target, loss: lossByName(name), ...options })
      expect(history[0]!.loss, name).toBeGreaterThan(0)
      expect(history[0]!.grad_norm, name).toBeGreaterThan(0)
      expect(history[0]!.parallel!.acceptance_rates, name).toHaveLength(3)
      draft.dispose()
    }
  })
})
