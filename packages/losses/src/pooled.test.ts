import { add, exp, multiply, readAll, softmax, sum, type Tensor, valueAndGradient } from '@outrider/tensor'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { meanReward, rewardOf, sigmaOf } from './float64.fixture'
import { unitHead } from './heads.fixture'
import {
  composeLoss,
  type DistillationInputs,
  type DistillationLoss,
  defineRowLoss,
  distillationLoss,
  distillationLossOfHeads,
  type HeadInputs,
  kld,
  lossByName,
  lossNames,
  pooledSums,
  pooledSumsOfHeads,
  rowMean,
  tvd,
  tvdPlusPlus,
  weightedSum,
} from './index'
import { alphaOf, logitsOf, positionOf, total } from './testing/position'

const rows = 12
const columns = 9
/** Where a step is divided: parts of unequal length, one of them a single row, one of which no row counts. */
const divisions = [[rows], [5, 7], [1, 4, 2, 5], Array.from({ length: rows }, () => 1)]
const masked = [3, 5, 6, 11]
const data = {
  draft: logitsOf(rows * columns, 21, 2),
  target: logitsOf(rows * columns, 22, 2),
  mask: Float32Array.from({ length: rows }, (_, r) => (masked.includes(r) ? 0 : 1)),
}
const counted = rows - masked.length
const seed = 3

/** An author's own: the squares of the differences, over the mean of their sums in the batch. */
const relative = defineRowLoss({
  name: 'relative-squares',
  sums: { squares: '(p - q) * (p - q)' },
  pooled: { names: ['squares'], scope: 'batch' },
  value: 'squares / max(mean_squares, 1.0e-6)',
  weight: '2.0 * (p - q) / max(mean_squares, 1.0e-6)',
  statistics: { scale: 'mean_squares' },
})
/** The same kind of thing, of tensor operations: the draft's logits at a power that all rows choose. */
const composed = composeLoss(
  'composed',
  ({ draftLogits, mask, pooled }) => rowMean(multiply(sum(softmax(draftLogits), { axis: 1 }), sum(exp(pooled!))), mask),
  { pool: ({ draftLogits, mask }) => multiply(sum(multiply(sum(draftLogits, { axis: 1 }), mask!)), 0.01) },
)
const pooling: DistillationLoss[] = [
  tvdPlusPlus(),
  tvdPlusPlus({ estimator: 'sampled' }),
  relative,
  weightedSum([
    [kld, 0.5],
    [tvdPlusPlus(), 2],
    [relative, -0.25],
  ]),
]

interface Part {
  value: Tensor
  gradient: Tensor
  statistics: Record<string, Tensor>
}

/** Value, statistics and gradient of a step that is divided into parts of so many rows, as training adds them up. */
async function divided(
  loss: DistillationLoss,
  parts: readonly number[],
  pool: (inputs: DistillationInputs) => Tensor | undefined,
  evaluate: (inputs: DistillationInputs) => Part,
) {
  const device = await testDevice()
  let first = 0
  const inputs = parts.map((count): DistillationInputs => {
    const some = (values: Float32Array) =>
      device.tensor(values.subarray(first * columns, (first + count) * columns), { shape: [count, columns] })
    const part = {
      draftLogits: some(data.draft),
      targetLogits: some(data.target),
      mask: device.tensor(data.mask.subarray(first, first + count)),
      seed,
      firstRow: first,
    }
    first += count
    return part
  })
  const sums = inputs.map((part) => pool(part)!)
  const pooled = sums.reduce((a, b) => add(a, b))
  expect(loss.pool).toBeDefined()
  let value = 0
  const gradient: number[] = []
  const statistics: Record<string, number> = {}
  let row = 0
  for (const [i, part] of inputs.entries()) {
    const counts = total(data.mask.subarray(row, row + parts[i]!))
    row += parts[i]!
    const result = evaluate({ ...part, pooled })
    const [v, g, ...rest] = await readAll([result.value, result.gradient, ...Object.values(result.statistics)])
    value += (v![0]! * counts) / counted
    gradient.push(...Array.from(g!, (slope) => (slope * counts) / counted))
    for (const [k, name] of Object.keys(result.statistics).entries())
      statistics[name] = (statistics[name] ?? 0) + (rest[k]![0]! * counts) / counted
  }
  return { value, gradient, statistics }
}

const ofLogits = (loss: DistillationLoss, parts: readonly number[]) =>
  divided(
    loss,
    parts,
    (inputs) => pooledSums(loss, inputs),
    (inputs) => {
      const { value, gradients, aux } = valueAndGradient(inputs.draftLogits, (draftLogits) => {
        const result = distillationLoss(loss, { ...inputs, draftLogits })
        return { value: result.value, aux: result.statistics }
      })
      return { value, gradient: gradients, statistics: aux }
    },
  )

/** Logits as hidden states with the unit matrix for a head. */
const ofHeads = (loss: DistillationLoss, parts: readonly number[], chunkRows?: number) => {
  const heads = ({ draftLogits, targetLogits, ...rest }: DistillationInputs): HeadInputs => {
    const head = unitHead(draftLogits.device, columns)
    const target = { hidden: targetLogits!, head }
    return { ...rest, draft: { hidden: draftLogits, head }, target, chunkRows }
  }
  return divided(
    loss,
    parts,
    (inputs) => pooledSumsOfHeads(loss, heads(inputs)),
    (inputs) => {
      const given = heads(inputs)
      const { value, gradients, aux } = valueAndGradient(given.draft.hidden, (hidden) => {
        const result = distillationLossOfHeads(loss, { ...given, draft: { ...given.draft, hidden } })
        return { value: result.value, aux: result.statistics }
      })
      return { value, gradient: gradients, statistics: aux }
    },
  )
}

/** The same of all rows in one call that is told of no other. */
async function inOneCall(loss: DistillationLoss) {
  const device = await testDevice()
  const { value, gradients, aux } = valueAndGradient(device.tensor(data.draft, { shape: [rows, columns] }), (draft) => {
    const inputs = {
      targetLogits: device.tensor(data.target, { shape: [rows, columns] }),
      mask: device.tensor(data.mask),
    }
    const { value, statistics } = distillationLoss(loss, { ...inputs, draftLogits: draft, seed })
    return { value, aux: statistics }
  })
  const [v, gradient, ...rest] = await readAll([value, gradients, ...Object.values(aux)])
  const statistics = Object.fromEntries(Object.keys(aux).map((name, i) => [name, rest[i]![0]!]))
  return { value: v![0]!, gradient: Array.from(gradient!), statistics }
}

type Figures = Awaited<ReturnType<typeof inOneCall>>

async function expectSame(actual: Figures, expected: Figures): Promise<void> {
  const flat = ({ value, gradient, statistics }: Figures) => [value, ...Object.values(statistics), ...gradient]
  expect(Object.keys(actual.statistics)).toEqual(Object.keys(expected.statistics))
  await expectAllClose(flat(actual), flat(expected), { absolute: 1e-6, relative: 1e-5 })
}

describe('a loss that pools over a step', () => {
  for (const loss of [...pooling, composed])
    it(`has one value, gradient and statistics, however the step is divided: ${loss.name}`, async () => {
      const expected = await inOneCall(loss)
      for (const parts of divisions) await expectSame(await ofLogits(loss, parts), expected)
    })

  for (const loss of [...pooling, composed])
    it(`has them of hidden states too, in chunks of any size: ${loss.name}`, async () => {
      const expected = await inOneCall(loss)
      for (const chunkRows of [undefined, 1, 3])
        for (const parts of divisions) await expectSame(await ofHeads(loss, parts, chunkRows), expected)
    })

  it('is, as TVD++, the formula in float64 with μ and σ of all rows that count', async () => {
    const at = Array.from({ length: rows }, (_, r) => {
      const row = (values: Float32Array) => values.subarray(r * columns, (r + 1) * columns)
      return positionOf(row(data.draft), row(data.target))
    })
    const learned = at.filter((_, r) => data.mask[r] === 1)
    const mean = total(learned.map(meanReward)) / counted
    // The variance of r by its definition: over every token of every position, weighted by p.
    const variance =
      total(learned.map((one) => total(one.p.map((p, x) => p * (rewardOf(one)[x]! - mean) ** 2)))) / counted
    const sigma = Math.sqrt(variance)
    expect(sigma).toBeCloseTo(sigmaOf(mean), 12)
    const value = total(learned.map((one) => (1 - alphaOf(one)) / sigma)) / counted
    const gradient = at.flatMap((one, r) =>
      Array.from(one.p, (_, i) => {
        const terms = one.p.map((p, x) => -p * ((rewardOf(one)[x]! - mean) / sigma) * ((x === i ? 1 : 0) - one.p[i]!))
        return (data.mask[r]! / counted) * total(terms)
      }),
    )
    for (const parts of divisions)
      await expectSame(await ofLogits(tvdPlusPlus(), parts), { value, gradient, statistics: { sigma } })
  })

  it('knows nothing of rows that do not count', async () => {
    const device = await testDevice()
    const mask = device.tensor(data.mask)
    const targetLogits = device.tensor(data.target, { shape: [rows, columns] })
    const sums = async (padding: number) => {
      const draft = data.draft.map((z, i) => (masked.includes(Math.floor(i / columns)) ? padding * z : z))
      const draftLogits = device.tensor(draft, { shape: [rows, columns] })
      return (await pooledSums(tvdPlusPlus(), { draftLogits, targetLogits, mask })!.data()) as Float32Array
    }
    expect(await sums(-4)).toEqual(await sums(1))
    expect((await sums(1))[0]).toBe(counted)
  })

  it('leaves nothing behind, and computes no gradient of what is pooled', async () => {
    const device = await testDevice()
    const draftLogits = device.tensor(data.draft, { shape: [rows, columns] })
    const targetLogits = device.tensor(data.target, { shape: [rows, columns] })
    const before = device.memory.liveBuffers
    for (const loss of [...pooling]) {
      const { value, gradients } = valueAndGradient(draftLogits, (logits) =>
        sum(pooledSums(loss, { draftLogits: logits, targetLogits, seed })!),
      )
      expect(
        (await gradients.data()).every((slope) => slope === 0),
        loss.name,
      ).toBe(true)
      for (const tensor of [value, gradients]) tensor.dispose()
      expect(device.memory.liveBuffers, loss.name).toBe(before)
    }
  })
})

describe('what a loss pools over a step', () => {
  it('is nothing for losses of a position or of a sequence', async () => {
    const device = await testDevice()
    const draftLogits = device.tensor(data.draft, { shape: [rows, columns] })
    const targetLogits = device.tensor(data.target, { shape: [rows, columns] })
    const names = lossNames.filter((name) => lossByName(name).pool)
    expect(names).toEqual(['tvd++', 'tvd++-sampled'])
    for (const name of lossNames.filter((name) => !names.includes(name)))
      expect(pooledSums(lossByName(name), { draftLogits, targetLogits })).toBeUndefined()
  })

  it("is refused where it is another loss's", async () => {
    const device = await testDevice()
    const draftLogits = device.tensor(data.draft, { shape: [rows, columns] })
    const inputs = { draftLogits, targetLogits: draftLogits }
    const pooled = (shape: number[]) => ({ ...inputs, pooled: device.zeros(shape) })
    expect(() => distillationLoss(tvd, pooled([2]))).toThrow(/tvd pools nothing/)
    expect(() => distillationLoss(tvdPlusPlus({ scope: 'sequence' }), pooled([2]))).toThrow(/pools nothing/)
    expect(() => distillationLoss(tvdPlusPlus(), pooled([3]))).toThrow(/\[3\].*must be \[2\]/)
  })
})
