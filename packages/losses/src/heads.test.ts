import { cast, crossEntropy, matmul, readAll, type Tensor, valueAndGradient } from '@outrider/tensor'
import { expectAllClose, randomWeights, testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { randomStates } from './heads.fixture'
import {
  acceptanceRates,
  composeLoss,
  type DistillationLoss,
  type DistillationResult,
  defineRowLoss,
  distillationLoss,
  distillationLossOfHeads,
  type HeadStates,
  labelCrossEntropy,
  lossByName,
  lossNames,
  rowMean,
  tvd,
  tvdPlusPlus,
  weightedSum,
} from './index'
import { logitsOf } from './testing/position'

const rows = 12
const sequenceLength = 4
const sizes = { draft: { hiddenSize: 8, vocabulary: 37 }, target: { hiddenSize: 16, vocabulary: 40 } }

const given = () => randomStates({ rows, sequenceLength }, sizes)

const ofWeight = ({ hidden, weight }: { hidden: Tensor; weight: Tensor }): HeadStates => ({ hidden, head: { weight } })

type Given = Awaited<ReturnType<typeof given>>

/** Everything there is of a loss, in order: value, α, gradients in hidden states and weight, statistics. */
async function read(
  { draft }: Given,
  evaluate: (draft: Given['draft']) => DistillationResult,
): Promise<Float32Array[]> {
  const { value, gradients, aux } = valueAndGradient(draft, (draft) => {
    const { value, acceptanceRate, statistics } = evaluate(draft)
    return { value, aux: { acceptanceRate: acceptanceRate!, statistics } }
  })
  const tensors = [value, aux.acceptanceRate, gradients.hidden, gradients.weight, ...Object.values(aux.statistics)]
  const data = await readAll(tensors)
  for (const tensor of tensors) tensor.dispose()
  return data as Float32Array[]
}

const unfused = (inputs: Given, loss: DistillationLoss) =>
  read(inputs, (draft) =>
    distillationLoss(loss, {
      ...inputs.rest,
      draftLogits: matmul(draft.hidden, draft.weight, { transposeB: true }),
      targetLogits: matmul(inputs.target.hidden, inputs.target.head.weight, { transposeB: true }),
    }),
  )

const fused = (inputs: Given, loss: DistillationLoss, chunkRows?: number, heldRows?: number) =>
  read(inputs, (draft) =>
    distillationLossOfHeads(loss, {
      ...inputs.rest,
      draft: ofWeight(draft),
      target: inputs.target,
      chunkRows,
      heldRows,
    }),
  )

/** An author's own: the squared difference of the square roots of the probabilities (Hellinger). */
const hellinger = defineRowLoss({
  name: 'hellinger',
  sums: { affinity: 'sqrt(p * q)' },
  value: '1.0 - affinity',
  weight: '-0.5 * sqrt(q / max(p, 1.0e-30))',
  statistics: { affinity2: 'affinity * affinity' },
})

describe('a loss of heads', () => {
  const losses = [
    ...lossNames.map((name) => lossByName(name)),
    tvdPlusPlus({ scope: 'sequence' }),
    tvdPlusPlus({ scope: 'position' }),
    tvdPlusPlus({ estimator: 'sampled' }),
    weightedSum([
      [tvd, 0.5],
      [hellinger, 2],
    ]),
    hellinger,
  ]
  for (const loss of losses)
    it(`has the value, α, statistics and gradients of ${loss.name} of logits, in chunks of any size`, async () => {
      const inputs = await given()
      const expected = await unfused(inputs, loss)
      for (const chunkRows of [undefined, 1, 3, 5, 8]) {
        const actual = await fused(inputs, loss, chunkRows)
        expect(actual.length).toBe(expected.length)
        for (const [i, values] of actual.entries())
          await expectAllClose(values, expected[i]!, { absolute: 1e-6, relative: 1e-4 })
      }
    })

  it('that pools over more rows than a chunk makes held logits once, and the others twice, to the same bits', async () => {
    const inputs = await given()
    const { device } = inputs
    const dispatches = async (heldRows?: number) => {
      const before = device.counters.dispatches
      const results = await fused(inputs, tvdPlusPlus(), 3, heldRows)
      return { results, count: device.counters.dispatches - before }
    }
    const none = await dispatches()
    const some = await dispatches(7) // two chunks of three rows
    const all = await dispatches(rows)
    expect(some.results).toEqual(none.results)
    expect(all.results).toEqual(none.results)
    const perChunk = (none.count - all.count) / 4
    expect(perChunk).toBeGreaterThanOrEqual(2) // a product for each model
    expect(none.count - some.count).toBe(2 * perChunk)
  })

  it('is there row by row, with α', async () => {
    const { draft, target, rest } = await given()
    const { losses, acceptanceRates: rates } = labelCrossEntropy.rows({
      ...rest,
      draft: ofWeight(draft),
      target,
      chunkRows: 5,
    })
    const draftLogits = matmul(draft.hidden, draft.weight, { transposeB: true })
    const targetLogits = matmul(target.hidden, target.head.weight, { transposeB: true })
    const exact = { absolute: 1e-6, relative: 1e-5 }
    await expectAllClose(losses, (await crossEntropy(draftLogits, rest.labels).data()) as Float32Array, exact)
    await expectAllClose(rates!, (await acceptanceRates(draftLogits, targetLogits).data()) as Float32Array, exact)
  })

  it('tells α of every row where it is asked to, and weighs rows by a mask of weights', async () => {
    const { device, draft, target, rest } = await given()
    const weights = Array.from({ length: rows }, (_, i) => (i % 3 === 0 ? 1 : i / 10))
    const read = async (mask: readonly number[]) => {
      const inputs = { ...rest, draft: ofWeight(draft), target, byRow: true, chunkRows: 5 }
      const result = distillationLossOfHeads(lossByName('tvd++'), { ...inputs, mask: device.tensor([...mask]) })
      const { value, acceptanceRate, acceptanceRates, statistics } = result
      const tensors = [value, acceptanceRate!, acceptanceRates!, statistics.sigma!]
      const [loss, mean, rates, sigma] = await readAll(tensors)
      for (const tensor of tensors) tensor.dispose()
      return { loss: loss![0]!, mean: mean![0]!, rates: [...rates!], sigma: sigma![0]! }
    }
    const { loss, mean, rates, sigma } = await read(weights)
    const single = await Promise.all(
      rates.map(async (_, i) => (await read(rates.map((_, k) => (k === i ? 1 : 0)))).mean),
    )
    await expectAllClose(rates, single, { absolute: 1e-6 })
    const total = weights.reduce((a, b) => a + b)
    const alpha = rates.reduce((sum, rate, i) => sum + rate * weights[i]!, 0) / total
    expect(mean).toBeCloseTo(alpha, 5)
    expect(loss).toBeCloseTo((1 - alpha) / sigma, 4) // σ of all rows, each by its weight
    expect(sigma).toBeGreaterThan(0.1)
    const plain = distillationLossOfHeads(tvd, { ...rest, draft: ofWeight(draft), target })
    expect(Object.keys(plain).sort()).toEqual(['acceptanceRate', 'statistics', 'value'])
    for (const tensor of [plain.value, plain.acceptanceRate!]) tensor.dispose()
  })

  it('composed of tensor operations is given all logits at once', async () => {
    const inputs = await given()
    const composed = composeLoss('mean of squares', ({ draftLogits, targetLogits, mask }) => {
      const [rows] = draftLogits.shape as [number]
      expect(targetLogits!.shape).toEqual([12, 40])
      return rowMean(matmul(draftLogits, draftLogits.device.full([37, 1], 0.1)).reshape([rows]), mask)
    })
    const expected = await unfused(inputs, composed)
    for (const [i, values] of (await fused(inputs, composed)).entries())
      await expectAllClose(values, expected[i]!, { absolute: 1e-6, relative: 1e-4 })
  })

  it('takes f16 from the draft, and has logits, loss and weight gradient in f32 (with shader-f16; without it, is refused)', async () => {
    const inputs = await given()
    const halved = { hidden: cast(inputs.draft.hidden, 'f16'), weight: cast(inputs.draft.weight, 'f16') }
    const half = { ...inputs, draft: halved }
    if (!inputs.device.capabilities.shaderF16) {
      await expect(fused(half, tvdPlusPlus(), 5)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
      return
    }
    const rounded = { hidden: cast(halved.hidden, 'f32'), weight: cast(halved.weight, 'f32') }
    const expected = await fused({ ...inputs, draft: rounded }, tvdPlusPlus(), 5)
    for (const chunkRows of [undefined, 5]) {
      const [value, alpha, hidden, weight, sigma] = await fused(half, tvdPlusPlus(), chunkRows)
      const exact = { absolute: 1e-6, relative: 1e-4 }
      for (const [i, values] of [value, alpha].entries()) await expectAllClose(values!, expected[i]!, exact)
      await expectAllClose(weight!, expected[3]!, exact)
      await expectAllClose(sigma!, expected[4]!, exact)
      await expectAllClose(hidden!, expected[2]!, { absolute: 1e-6, relative: 1e-3 }) // rounded to f16
    }
    const composed = composeLoss('mean of squares', ({ draftLogits, mask }) => {
      expect(draftLogits.dtype).toBe('f32')
      return rowMean(matmul(draftLogits, draftLogits.device.full([37, 1], 0.1)).reshape([rows]), mask)
    })
    await expectAllClose((await fused(half, composed))[0]!, (await fused({ ...inputs, draft: rounded }, composed))[0]!)
  })

  it('reads a quantised head of the target', async () => {
    const inputs = await given()
    const { device } = inputs
    const [hiddenSize, target] = [32, 40]
    const stored = device.tensor(randomWeights('q8_0', target * hiddenSize, 9), {
      shape: [target, hiddenSize],
      dtype: 'q8_0',
    })
    const hidden = device.tensor(logitsOf(rows * hiddenSize, 10, 4), { shape: [rows, hiddenSize] })
    const alpha = async (chunkRows?: number) => {
      const { value, acceptanceRate } = distillationLossOfHeads(tvd, {
        draft: ofWeight(inputs.draft),
        target: { hidden, head: { weight: stored } },
        chunkRows,
      })
      return [await value.item(), await acceptanceRate!.item()]
    }
    const [value, rate] = await alpha()
    expect(value! + rate!).toBeCloseTo(1, 5)
    await expectAllClose(await alpha(5), [value!, rate!], { relative: 1e-5 })
  })

  it('refuses shapes that do not fit, before anything is allocated', async () => {
    const { device, draft, target, rest } = await given()
    const before = device.memory.liveBytes
    const refused = (inputs: object) => () =>
      distillationLossOfHeads(tvd, { ...rest, draft: ofWeight(draft), target, ...inputs } as Parameters<
        typeof distillationLossOfHeads
      >[1])
    expect(refused({ target: undefined })).toThrow(/needs the target/)
    expect(refused({ draft: { hidden: draft.hidden, head: target.head } })).toThrow(/\[12, 8\].*\[40, 16\]/)
    expect(refused({ chunkRows: 0 })).toThrow(/chunkRows/)
    expect(refused({ vocabularySize: 38 })).toThrow(/38/)
    expect(device.memory.liveBytes).toBe(before)
  })

  for (const size of [32_000, 128_256])
    it(`holds three chunks of logits over a vocabulary of ${size}, and nothing of the whole batch's`, async () => {
      const device = await testDevice()
      const [positions, hiddenSize, chunkRows] = [96, 8, 16]
      const heads = (stream: number) => ({
        hidden: device.tensor(logitsOf(positions * hiddenSize, stream, 2), { shape: [positions, hiddenSize] }),
        weight: device.tensor(logitsOf(size * hiddenSize, stream + 1, 1), { shape: [size, hiddenSize] }),
      })
      const [draft, target] = [heads(1), heads(3)]
      const before = device.memory.liveBytes
      device.resetPeak()
      const { value, gradients } = valueAndGradient(
        draft,
        (draft) =>
          distillationLossOfHeads(tvdPlusPlus(), { draft: ofWeight(draft), target: ofWeight(target), chunkRows }).value,
      )
      const peak = device.memory.peakBytes - before
      expect(await value.item()).toBeGreaterThan(0)
      const gradientBytes = gradients.hidden.bytes + gradients.weight.bytes
      const chunkBytes = 3 * chunkRows * size * 4
      const scalars = positions * 64
      expect(peak).toBeLessThan(gradientBytes + chunkBytes + scalars)
      expect(peak).toBeLessThan(positions * size * 4)
      for (const tensor of [value, gradients.hidden, gradients.weight]) tensor.dispose()
      expect(device.memory.liveBytes).toBe(before)
      for (const { hidden, weight } of [draft, target]) for (const tensor of [hidden, weight]) tensor.dispose()
    })
})
