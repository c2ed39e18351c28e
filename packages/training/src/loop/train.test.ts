import { type Batch, batchStream, rows } from '@outrider/dataset'
import { kld, tvdPlusPlus } from '@outrider/losses'
import type { Device } from '@outrider/tensor'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import type { PretrainedModel } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { distill, distillation } from './distill'
import { nextToken, pretrain } from './pretrain'
import { inTurn, patterns, shortRun, tinyDraft } from './runs.fixture'
import { type TrainingProgress, train } from './train'
import { trainedTarget } from './trained-target.fixture'

let device: Device
let target: PretrainedModel
beforeAll(async () => {
  device = await testDevice()
  target = await trainedTarget()
})

describe('train', () => {
  it('adds gradients up over batches as if they were one, however many positions count in each', async () => {
    const stream = await batchStream(patterns, target, { batchSize: 4, length: 24 })
    const whole = await stream.next()
    whole.lossMask.fill(0, 0, 20)
    const half = (begin: number): Batch => ({
      tokens: whole.tokens.slice(begin * whole.length, (begin + 2) * whole.length),
      labels: whole.labels.slice(begin * whole.length, (begin + 2) * whole.length),
      lossMask: whole.lossMask.slice(begin * whole.length, (begin + 2) * whole.length),
      batchSize: 2,
      length: whole.length,
    })
    const [one, two] = [tinyDraft(target), tinyDraft(target)]
    for (const objective of [nextToken(one.config), distillation(one, target, kld)]) {
      const a = await train(one, objective, inTurn([whole]), { steps: 1 })
      const b = await train(two, objective, inTurn([half(0), half(2)]), { steps: 1, accumulation: 2 })
      await expectAllClose([b.history[0]!.loss!], [a.history[0]!.loss!], { relative: 1e-5 })
      await expectAllClose([b.history[0]!.grad_norm!], [a.history[0]!.grad_norm!], { relative: 1e-4 })
      if (a.history[0]!.acceptance_rate !== undefined)
        await expectAllClose([b.history[0]!.acceptance_rate!], [a.history[0]!.acceptance_rate!], { relative: 1e-5 })
    }
    one.dispose()
    two.dispose()
  })

  it('reports every step, with the rate of its schedule', async () => {
    const draft = tinyDraft(target)
    const seen: TrainingProgress[] = []
    const { history } = await pretrain(draft, patterns, {
      ...shortRun,
      decay: 'linear',
      onStep: (progress) => seen.push(progress),
    })
    expect(seen.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
    expect(seen.at(-1)).toMatchObject({ steps: 12, tokens: 12 * 2 * 2 * 24 })
    const rates = history.map((entry) => entry.learning_rate!)
    expect(rates[1]).toBeCloseTo(5e-3)
    expect(rates.slice(3).every((rate, i) => rate < rates[i + 2]!)).toBe(true)
    draft.dispose()
  })

  it('stops where the loss is no number', async () => {
    const draft = tinyDraft(target)
    draft.model.parameters['model.norm.weight']!.write(new Float32Array(16).fill(Number.NaN))
    await expect(pretrain(draft, patterns, { steps: 3 })).rejects.toMatchObject({
      code: 'NOT_FINITE',
      message: expect.stringMatching(/Not finite in step 1: the loss \(NaN\)/),
      details: { step: 1, loss: Number.NaN, tensors: ['model.norm.weight'] },
    })
    draft.dispose()
  })

  it('refuses what cannot be', async () => {
    const draft = tinyDraft(target)
    const run = (options: object) => pretrain(draft, patterns, { steps: 1, ...options })
    await expect(run({ steps: 0 })).rejects.toThrow(/positive number of steps/)
    await expect(run({ accumulation: 0 })).rejects.toThrow(/accumulation/)
    await expect(run({ batchSize: -1 })).rejects.toThrow(/batchSize/)
    const unmasked = rows([{ kind: 'tokens', tokens: [1, 2], lossMask: [0, 0] }])
    await expect(pretrain(draft, unmasked, { steps: 1 })).rejects.toThrow(/nothing to learn/)
    draft.dispose()
  })

  it('holds as much device memory after 200 steps as after two', async () => {
    const draft = tinyDraft(target)
    const live: number[] = []
    await distill({
      draft,
      target,
      data: patterns,
      loss: tvdPlusPlus(),
      steps: 200,
      batchSize: 2,
      length: 16,
      onStep: () => live.push(device.memory.liveBytes),
    })
    expect(new Set(live).size).toBe(1)
    draft.dispose()
  })
})
