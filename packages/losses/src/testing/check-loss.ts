import { add, type Device, matmul } from '@outrider/tensor'
import { checkPromises, expectAllClose, expectSame, type Promises } from '@outrider/tensor/testing'
import { type DistillationLoss, distillationLoss, distillationLossOfHeads, pooledSums } from '../distillation-loss'
import { differentiated, type Evaluated, type Extra, evaluateLoss } from './evaluate'
import { alphaOf, type LossFormula, logitsOf, numericGradient, positionOf } from './position'

export interface LossCheckOptions {
  device: Device
  /**
   * The loss at one position, in float64 and written apart: its value and its differences are what value and gradient are
   * compared with. What the gradient holds constant is taken from `fixed`. Left out where a position has no loss of its own (drawn
   * tokens, statistics over several positions); the rest is shown all the same.
   */
  formula?: LossFormula
}

/**
 * Shows that a loss keeps what `DistillationLoss` promises to those who train with it, on a few rows of small vocabularies.
 *
 * @throws OutriderError INVALID_ARGUMENT for a promise that is broken, with how
 */
export async function checkLoss(loss: DistillationLoss, options: LossCheckOptions): Promise<void> {
  await checkPromises(`Loss ${loss.name}`, promises, { loss, ...options })
}

type Subject = { loss: DistillationLoss } & LossCheckOptions

const rows = 12
const columns = 9
/** Rows that do not count. */
const masked = [3, 5, 6, 11]
const counted = rows - masked.length
const given = {
  labels: Uint32Array.from({ length: rows }, (_, r) => (7 * r) % columns),
  mask: Float32Array.from({ length: rows }, (_, r) => (masked.includes(r) ? 0 : 1)),
  sequenceLength: 4,
  seed: 3,
} satisfies Extra
const draft = logitsOf(rows * columns, 1, 2)
const target = logitsOf(rows * columns, 2, 2)
const close = { absolute: 1e-6, relative: 1e-4 }

/** A loss of the rows above, or of rows in which something is otherwise. */
const of = ({ loss, device }: Subject, changed: { draft?: Float32Array; target?: Float32Array } & Extra = {}) => {
  const { draft: z = draft, target: t = target, ...extra } = changed
  return evaluateLoss(device, loss, z, t, rows, { ...given, ...extra })
}

const promises: Promises<Subject> = {
  async 'value and gradient are the formula’s in float64, at every kind of position, and α is Σ min(p, q)'(subject) {
    const { loss, device, formula } = subject
    for (const size of [3, 9, 300])
      for (const [kind, [z, t]] of Object.entries(positions(size))) {
        const label = 4 % size
        const { value, alpha, gradient } = await evaluateLoss(device, loss, z, t, 1, {
          labels: Uint32Array.of(label),
          sequenceLength: 1,
          seed: 3,
        })
        const at = positionOf(z, t, label)
        const compare = (actual: ArrayLike<number>, expected: ArrayLike<number>, what: string) =>
          expectAllClose(actual, expected, { absolute: 2e-5, relative: 1e-4 }).catch((error: Error) => {
            throw new Error(`${what}, ${kind}, ${size} tokens: ${error.message}`)
          })
        await compare([alpha], [alphaOf(at)], 'α')
        if (!formula) continue
        await compare([value], [formula(at, at)], 'value')
        await compare(gradient, numericGradient(formula, z, t, label), 'gradient')
      }
  },

  async 'it is the mean over the rows that count; the others change nothing, and have no gradient'(subject) {
    const found = await of(subject)
    const others = (values: Float32Array) =>
      values.map((z, i) => (masked.includes(Math.floor(i / columns)) ? 3 - z : z))
    const changed = await of(subject, { draft: others(draft), target: others(target) })
    same(changed, found)
    for (const row of masked)
      expectSame(rowOf(found.gradient, row).map(Math.abs), new Float32Array(columns), `gradient of row ${row}`)
    const none = await of(subject, { mask: new Float32Array(rows) })
    expectSame(
      [none.value, none.alpha, ...none.gradient.map(Math.abs)],
      new Array(2 + rows * columns).fill(0),
      'no row',
    )
  },

  async 'columns from the vocabulary’s end on are no tokens, and have no gradient'(subject) {
    const padded = (values: Float32Array) => {
      const wide = new Float32Array(rows * (columns + 3)).fill(40)
      for (let row = 0; row < rows; row++) wide.set(rowOf(values, row), row * (columns + 3))
      return wide
    }
    const found = await of(subject)
    const wide = await of(subject, { draft: padded(draft), target: padded(target), vocabularySize: columns })
    await alike(wide, {
      ...found,
      gradient: padded(found.gradient).map((x, i) => (i % (columns + 3) < columns ? x : 0)),
    })
  },

  async 'of hidden states and heads it is what it is of their logits, however many rows are held at a time'(subject) {
    const { loss, device } = subject
    const width = 5
    const matrix = (count: number, stream: number) =>
      device.tensor(logitsOf(count * width, stream, 1), { shape: [count, width] })
    const states = { hidden: matrix(rows, 11), weight: matrix(columns, 12) }
    const [hidden, weight] = [matrix(rows, 13), matrix(columns, 14)]
    const extra = { ...given, labels: device.tensor(given.labels), mask: device.tensor(given.mask) }
    const targetLogits = matmul(hidden, weight, { transposeB: true })
    const expected = await differentiated(states, ({ hidden, weight }) =>
      distillationLoss(loss, { ...extra, draftLogits: matmul(hidden, weight, { transposeB: true }), targetLogits }),
    )
    const said = [{ hidden, head: { weight } }, { logits: targetLogits }]
    for (const [target, chunkRows] of said.flatMap((target) =>
      [undefined, 1, 5].map((rows) => [target, rows] as const),
    )) {
      const actual = await differentiated(states, ({ hidden: z, weight: w }) =>
        distillationLossOfHeads(loss, {
          ...extra,
          draft: { hidden: z, head: { weight: w } },
          target,
          chunkRows,
        }),
      )
      const flat = ({ value, alpha, statistics, gradients }: typeof expected) => [
        value,
        alpha,
        ...Object.values(statistics),
        ...gradients.hidden,
        ...gradients.weight,
      ]
      await expectAllClose(flat(actual), flat(expected), close)
    }
    for (const tensor of [...Object.values(states), hidden, weight, targetLogits, extra.labels, extra.mask])
      tensor.dispose()
  },

  async 'a step in several parts is the step, each part with its place and what all have pooled'(subject) {
    const { loss, device } = subject
    const found = await of(subject)
    for (const parts of [
      [4, 8],
      [8, 4],
      [4, 4, 4],
    ]) {
      const slices: { inputs: Extra; z: Float32Array; t: Float32Array; count: number }[] = []
      let first = 0
      for (const count of parts) {
        const some = (values: Float32Array) => values.slice(first * columns, (first + count) * columns)
        const inputs = {
          ...given,
          labels: given.labels.slice(first, first + count),
          mask: given.mask.slice(first, first + count),
        }
        slices.push({ inputs: { ...inputs, firstRow: first }, z: some(draft), t: some(target), count })
        first += count
      }
      const sums = slices.map(({ inputs, z, t, count }) =>
        device.scope(() => pooledSums(loss, onDevice(device, inputs, z, t, count))),
      )
      const pooled = sums.reduce((a, b) => a && b && device.scope(() => add(a, b)))
      const total = { value: 0, alpha: 0, gradient: [] as number[], statistics: {} as Record<string, number> }
      for (const { inputs, z, t, count } of slices) {
        const part = await evaluateLoss(device, loss, z, t, count, { ...inputs, ...(pooled && { pooled }) })
        const share = inputs.mask!.reduce((a, b) => a + b, 0) / counted
        total.value += share * part.value
        total.alpha += share * part.alpha
        total.gradient.push(...Array.from(part.gradient, (x) => share * x))
        for (const [name, x] of Object.entries(part.statistics))
          total.statistics[name] = (total.statistics[name] ?? 0) + share * x
      }
      for (const tensor of [...sums, pooled]) tensor?.dispose()
      await alike({ ...total, gradient: Float32Array.from(total.gradient) }, found)
    }
  },

  async 'logits that are no numbers, in one row that counts, make value and α none, and the gradient of that row'(
    subject,
  ) {
    const row = 4
    for (const poisoned of ['draft', 'target'] as const) {
      const logits = (poisoned === 'draft' ? draft : target).slice()
      logits[row * columns + 2] = Number.NaN
      const { value, alpha, gradient } = await of(subject, { [poisoned]: logits })
      const found = [value, alpha, ...rowOf(gradient, row)]
      expectSame(
        found,
        found.map(() => Number.NaN),
        `NaN in the ${poisoned}`,
      )
    }
  },

  async 'computed again it has the same bits, and leaves nothing on the device'(subject) {
    const { device } = subject
    const first = await of(subject)
    const { liveBuffers } = device.memory
    same(await of(subject), first)
    expectSame([device.memory.liveBuffers], [liveBuffers], 'buffers')
  },
}

const onDevice = (
  device: Device,
  { labels, mask, ...extra }: Extra,
  z: Float32Array,
  t: Float32Array,
  count: number,
) => ({
  ...extra,
  draftLogits: device.tensor(z, { shape: [count, columns] }),
  targetLogits: device.tensor(t, { shape: [count, columns] }),
  labels: device.tensor(labels!),
  mask: device.tensor(mask!),
})

/** Logits of draft and target at one position, by what is special about them. */
const positions = (size: number): Record<string, [Float32Array, Float32Array]> => ({
  ordinary: [logitsOf(size, 1, 2), logitsOf(size, 2, 2)],
  peaked: [logitsOf(size, 3, 8), logitsOf(size, 4, 8)],
  'with a flat draft': [new Float32Array(size), logitsOf(size, 5, 4)],
  'with a flat target': [logitsOf(size, 6, 4), new Float32Array(size)],
  'far from zero': [logitsOf(size, 7, 1).map((x) => x + 60), logitsOf(size, 8, 1).map((x) => x - 60)],
})

const rowOf = (values: Float32Array, row: number): Float32Array => values.subarray(row * columns, (row + 1) * columns)

const flat = ({ value, alpha, statistics, gradient }: Evaluated): number[] => [
  value,
  alpha,
  ...Object.values(statistics),
  ...gradient,
]
const same = (actual: Evaluated, expected: Evaluated) =>
  expectSame(flat(actual), flat(expected), 'value, α, statistics, gradient')
const alike = (actual: Evaluated, expected: Evaluated) => expectAllClose(flat(actual), flat(expected), close)
