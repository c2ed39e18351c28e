import { batchesOnce, rows } from '@outrider/dataset'
import { kld } from '@outrider/losses'
import { testDevice } from '@outrider/tensor/testing'
import { expect, it } from 'vitest'
import { distillation } from '../loop/distill'
import { tinyDraft, tinyTarget } from '../loop/runs.fixture'
import { evaluate } from './evaluate'

/** Rows of very different lengths, the last alone in its batch where there are two a batch. */
const lengths = [3, 22, 9, 4, 14]
const unequal = rows(
  lengths.map((length, row) => ({
    kind: 'tokens' as const,
    tokens: Array.from({ length }, (_, i) => 40 + ((7 * row + i) % 30)),
    lossMask: Array.from({ length }, () => 1),
  })),
)

it('gives the figures of the rows, however they are put into batches', async () => {
  const target = tinyTarget(await testDevice())
  const draft = tinyDraft(target)
  const measured = []
  for (const batchSize of [5, 2, 1]) {
    const batches = await batchesOnce(unequal, target, { batchSize, length: 24 })
    measured.push(await evaluate(draft, distillation(draft, target, kld), batches, [3, 5, 30]))
  }
  const [whole, ...parts] = measured
  expect(Object.keys(whole!.eval_acceptance_length!)).toEqual(['3', '5']) // no row has room for 30
  for (const part of parts) {
    expect(part.eval_loss).toBeCloseTo(whole!.eval_loss!, 5)
    expect(part.eval_acceptance_rate).toBeCloseTo(whole!.eval_acceptance_rate!, 5)
    for (const gamma of [3, 5])
      expect(part.eval_acceptance_length![gamma]).toBeCloseTo(whole!.eval_acceptance_length![gamma]!, 5)
  }
  for (const model of [draft, target]) model.dispose()
})
