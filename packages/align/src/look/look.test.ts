import { testDevice } from '@outrider/tensor/testing'
import { expect, it } from 'vitest'
import { tinyTarget } from '../tiny-run.fixture'
import { look } from './look'

it('a look measures passes, answers and training, takes nothing with it, and is plain data', async () => {
  const target = tinyTarget(await testDevice())
  const { memory } = target.model.device
  const before = memory.liveBytes
  const seen = await look(target, { prompts: [[1, 2, 3]], budgetSeconds: 1 })
  expect(memory.liveBytes).toBe(before)
  expect(JSON.parse(JSON.stringify(seen))).toEqual(seen)
  expect(seen.candidates[0]).toMatchObject({
    shape: { layers: 1, hiddenSize: 16 },
    costs: { draftSeconds: expect.any(Number) },
  })
  for (const seconds of [seen.answerTokenSeconds, seen.draftPositionSeconds, seen.seconds])
    expect(seconds).toBeGreaterThan(0)
  target.dispose()
}, 300_000)
