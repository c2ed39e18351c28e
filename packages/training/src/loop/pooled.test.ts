import type { Batch } from '@outrider/dataset'
import {
  composeLoss,
  type DistillationLoss,
  defineRowLoss,
  kld,
  rowMean,
  tvdPlusPlus,
  weightedSum,
} from '@outrider/losses'
import { type Device, multiply, readAll, sum, uniform01 } from '@outrider/tensor'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import type { CausalLM, PretrainedModel } from '@outrider/transformer'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { referenceLogits } from '../../../transformer/src/model/reference-decoder.fixture'
import { tinyModel } from '../../../transformer/src/pretrained/tiny-model.fixture'
import { TargetStates } from '../states/target-states'
import { distill, distillation } from './distill'
import { smallEnough } from './float64.fixture'
import { stepGradients } from './gradients'
import { logitsOnly } from './logits-only.fixture'
import { patterns, shortRun, tinyDraft, tinyTarget } from './runs.fixture'

const length = 6
/** Rows of unequal numbers of positions that count; the last batch of `[5, 1]` has none. */
const lengths = [5, 2, 6, 1, 3, 0]
const rows = lengths.length
const vocabulary = smallEnough.vocabularySize
const data = {
  tokens: Uint32Array.from({ length: rows * length }, (_, i) => Math.floor(vocabulary * uniform01(31, i))),
  labels: Uint32Array.from({ length: rows * length }, (_, i) => Math.floor(vocabulary * uniform01(32, i))),
  lossMask: Float32Array.from({ length: rows * length }, (_, i) =>
    i % length < lengths[Math.floor(i / length)]! && i !== 1 ? 1 : 0,
  ),
}

/** The rows as a step of batches of so many. */
function divided(counts: readonly number[]): Batch[] {
  let row = 0
  return counts.map((batchSize) => {
    const [begin, end] = [row * length, (row + batchSize) * length]
    row += batchSize
    const { tokens, labels, lossMask } = data
    return {
      tokens: tokens.slice(begin, end),
      labels: labels.slice(begin, end),
      lossMask: lossMask.slice(begin, end),
      batchSize,
      length,
    }
  })
}
/** Accumulations of 1, 2, 4 and 6, of equal and of unequal numbers of rows. */
const divisions = [
  [3, 3],
  [5, 1],
  [1, 1, 3, 1],
  [1, 1, 1, 1, 1, 1],
]

let device: Device
let draft: PretrainedModel
let target: PretrainedModel
beforeAll(async () => {
  device = await testDevice()
  const sizes = { ...smallEnough, initializerRange: 0.5 }
  draft = tinyModel(device, { ...sizes, seed: 5 })
  target = tinyModel(device, { ...sizes, layers: 2, seed: 6 })
})

/** A program's own loss, and one of tensor operations. */
const relative = defineRowLoss({
  name: 'relative-squares',
  sums: { squares: '(p - q) * (p - q)' },
  pooled: { names: ['squares'], scope: 'batch' },
  value: 'squares / max(mean_squares, 1.0e-6)',
  weight: '2.0 * (p - q) / max(mean_squares, 1.0e-6)',
})
const composed = composeLoss(
  'composed',
  ({ draftLogits, mask, pooled }) =>
    multiply(rowMean(sum(multiply(draftLogits, draftLogits), { axis: 1 }), mask), pooled!),
  { pool: ({ draftLogits, mask }) => sum(multiply(sum(draftLogits, { axis: 1 }), mask!)) },
)
const losses: DistillationLoss[] = [
  tvdPlusPlus(),
  tvdPlusPlus({ estimator: 'sampled' }),
  weightedSum([
    [kld, 0.5],
    [tvdPlusPlus(), 1],
  ]),
  relative,
  composed,
]

/** A step's figures and gradients, the latter without the scale of mixed precision. */
async function step(
  loss: DistillationLoss,
  counts: readonly number[],
  options: Parameters<typeof distillation>[3] & { scale?: number; of?: PretrainedModel<CausalLM> } = {},
) {
  const { scale, of = target, ...settings } = options
  const objective = distillation(draft, of, loss, settings)
  const { gradients, norm, ...figures } = await stepGradients(draft, objective, divided(counts), { seed: 9, scale })
  const values = await readAll(Object.values(gradients))
  for (const tensor of [norm, ...Object.values(gradients)]) tensor.dispose()
  return {
    figures: [figures.loss, figures.gradientNorm, ...Object.values(figures.aux)],
    gradients: Object.fromEntries(
      Object.keys(gradients).map((name, i) => [name, Array.from(values[i]!, (slope) => slope / (scale ?? 1))]),
    ),
    statistics: figures.aux,
  }
}
type Step = Awaited<ReturnType<typeof step>>

async function expectSame(actual: Step, expected: Step, relative = 1e-4): Promise<void> {
  await expectAllClose(actual.figures, expected.figures, { relative })
  const largest = Math.max(...Object.values(expected.gradients).flat().map(Math.abs))
  for (const [name, gradient] of Object.entries(expected.gradients))
    await expectAllClose(actual.gradients[name]!, gradient, { absolute: 0.1 * relative * largest, relative })
}

describe('a step over several batches, of a loss that pools over the step,', () => {
  for (const loss of losses)
    it(`has the loss, statistics and gradient of one batch of all rows: ${loss.name}`, async () => {
      const whole = await step(loss, [rows])
      for (const counts of divisions) await expectSame(await step(loss, counts), whole)
    })

  it('has the same bits with activation checkpointing, and with what the target says kept elsewhere', async () => {
    const plain = await step(tvdPlusPlus(), [1, 3, 2])
    expect(await step(tvdPlusPlus(), [1, 3, 2], { activationCheckpointing: true })).toEqual(plain)
    using targetStates = new TargetStates()
    expect(await step(tvdPlusPlus(), [1, 3, 2], { targetStates })).toEqual(plain)
  })

  it('has them in mixed precision (with shader-f16; without it, is refused)', async () => {
    const mixed = (counts: readonly number[]) => step(tvdPlusPlus(), counts, { scale: 64 })
    if (!device.capabilities.shaderF16) {
      await expect(mixed([3, 3])).rejects.toMatchObject({ code: 'UNSUPPORTED' })
      return
    }
    const whole = await mixed([rows])
    for (const counts of divisions) await expectSame(await mixed(counts), whole, 5e-2)
  })

  it('is TVD++ in float64: σ of all positions of the step, the gradient by finite differences', async () => {
    const weights = async ({ model }: PretrainedModel) => {
      const values = await readAll(Object.values(model.parameters))
      return Object.fromEntries(Object.keys(model.parameters).map((name, i) => [name, Float64Array.from(values[i]!)]))
    }
    const [own, others] = [await weights(draft), await weights(target)]
    const distributions = (model: PretrainedModel, parameters: Record<string, Float64Array>) =>
      lengths
        .flatMap((count, row) => {
          const begin = row * length
          const tokens = [...data.tokens.subarray(begin, begin + count)]
          const logits = referenceLogits(model.config, parameters, tokens)
          return logits.filter((_, i) => data.lossMask[begin + i] === 1)
        })
        .map((logits) => logits.map((z) => Math.exp(z) / logits.reduce((sum, other) => sum + Math.exp(other), 0)))
    const q = distributions(target, others)
    const meanOf = (of: (p: number, q: number) => number) =>
      distributions(draft, own)
        .map((row, t) => row.reduce((sum, p, x) => sum + of(p, q[t]![x]!), 0))
        .reduce((sum, value, _, { length }) => sum + value / length, 0)
    const tvd = () => 1 - meanOf(Math.min)
    const mean = meanOf((p, q) => (q > p ? p : 0))
    const sigma = Math.sqrt(mean - mean * mean)
    const actual = await step(tvdPlusPlus(), [1, 1, 3, 1], { of: logitsOnly(target) })
    await expectAllClose([actual.figures[0]!, actual.statistics.sigma!], [tvd() / sigma, sigma], { relative: 1e-5 })
    const apart = 1e-6
    for (const [name, values] of Object.entries(own)) {
      const expected = values.map((value, i) => {
        values[i] = value + apart
        const above = tvd()
        values[i] = value - apart
        const below = tvd()
        values[i] = value
        return (above - below) / (2 * apart) / sigma
      })
      await expectAllClose(actual.gradients[name]!, expected, { absolute: 5e-6, relative: 5e-4 })
    }
  })
})

describe('what pooling over a step costs', () => {
  /** How often the target and the draft's pooling were computed. */
  async function passes(loss: DistillationLoss, counts: readonly number[]) {
    const reads = vi.spyOn(target.model, 'hidden')
    const objective = distillation(draft, target, loss)
    const pools = objective.pool ? vi.spyOn(objective, 'pool') : undefined
    const { gradients, norm } = await stepGradients(draft, objective, divided(counts), { seed: 1 })
    for (const tensor of [norm, ...Object.values(gradients)]) tensor.dispose()
    const seen = { target: reads.mock.calls.length, pooling: pools?.mock.calls.length ?? 0 }
    reads.mockRestore()
    return seen
  }

  it('is nothing for a loss that does not, and for a step of one batch', async () => {
    for (const loss of [kld, tvdPlusPlus({ scope: 'sequence' }), tvdPlusPlus({ scope: 'position' })])
      expect(await passes(loss, [1, 3, 2]), loss.name).toEqual({ target: 5, pooling: 0 })
    expect(await passes(tvdPlusPlus(), [6])).toEqual({ target: 5, pooling: 0 }) // nothing in the last row counts
    expect(await passes(tvdPlusPlus(), [5, 1])).toEqual({ target: 5, pooling: 0 }) // nothing in the second counts
  })

  it('is a pass of the draft: the target reads each row once', async () => {
    expect(await passes(tvdPlusPlus(), [1, 3, 2])).toEqual({ target: 5, pooling: 3 })
  })

  it('leaves no memory behind', async () => {
    await step(tvdPlusPlus(), [3, 3])
    const { liveBytes } = device.memory
    await step(tvdPlusPlus(), [3, 3])
    expect(device.memory.liveBytes).toBe(liveBytes)
  })
})

it('a run ends in the same weights, however its batches are accumulated', async () => {
  const teacher = tinyTarget(device)
  const run = async (batchSize: number, accumulation: number) => {
    const pupil = tinyDraft(teacher)
    const { history } = await distill({
      ...shortRun,
      steps: 3,
      batchSize,
      accumulation,
      draft: pupil,
      target: teacher,
      data: patterns,
      loss: tvdPlusPlus({ estimator: 'sampled' }),
    })
    const values = await readAll(Object.values(pupil.model.parameters))
    pupil.dispose()
    return { losses: history.map(({ loss }) => loss!), weights: values.flatMap((weight) => [...weight]) }
  }
  const whole = await run(4, 1)
  for (const [batchSize, accumulation] of [
    [2, 2],
    [1, 4],
  ] as const) {
    const parts = await run(batchSize, accumulation)
    await expectAllClose(parts.losses, whole.losses, { relative: 1e-4 })
    await expectAllClose(parts.weights, whole.weights, { absolute: 1e-4, relative: 1e-3 })
  }
  teacher.dispose()
})
