import { type AttentionOptions, attention, type Device, mean, type Tensor, valueAndGradient } from '@outrider/tensor'
import { ofCeiling } from '../ceilings'
import { median, rounded } from '../compare'
import { kernelTimes } from '../kernel-times'
import { common } from '../peers'
import type { Row, Suite } from '../suite'

interface Shape {
  name: string
  batch: number
  rows: number
  keys: number
  heads: number
  kvHeads: number
  headDim: number
  start: number
}

const shapes: readonly Shape[] = [
  { name: 'training', batch: 8, rows: 128, keys: 128, heads: 4, kvHeads: 4, headDim: 32, start: 0 },
  { name: 'prompt', batch: 1, rows: 512, keys: 512, heads: 8, kvHeads: 2, headDim: 64, start: 0 },
  { name: 'a token', batch: 1, rows: 1, keys: 2048, heads: 8, kvHeads: 2, headDim: 64, start: 2047 },
  { name: 'a block of 8', batch: 1, rows: 8, keys: 2048, heads: 8, kvHeads: 2, headDim: 64, start: 2040 },
  ...[64, 540].flatMap((start) =>
    [1, 2, 3, 4, 5, 6, 8, 9, 16].map((rows) => ({
      name: `${rows} rows after ${start}`,
      ...{ batch: 1, rows, keys: 560, heads: 9, kvHeads: 3, headDim: 64, start },
    })),
  ),
]
const rounds = 9
/** A run of few rows is over sooner than it is queued. */
const runsOf = ({ rows }: Shape) => (rows <= 16 ? 8 : 1)

type Kernel = Pick<AttentionOptions, 'kernel' | 'span'>
const generations: readonly Kernel[] = [
  {},
  { kernel: 'shared' },
  { kernel: 'subgroups' },
  { kernel: 'wide' },
  { kernel: 'flash' },
  { kernel: 'shared', span: 256 },
  { kernel: 'wide', span: 256 },
  { kernel: 'decoding', span: 256 },
]

/** Attention, forward and with its gradients, by every kernel that takes the shape here. */
export const attentionSuite: Suite = {
  name: 'attention',
  summary: 'attention forward and backward: training, a prompt, and few rows over caches, by kernel',
  async run({ device, ceilings, note, profile, now }) {
    const rows: Row[] = []
    for (const shape of shapes)
      for (const backward of shape.rows === shape.keys ? [false, true] : [false]) {
        const name = `${shape.name}${backward ? ', with gradients' : ''}`
        note(name)
        const { run, inputs, check } = problem(device, shape, backward)
        const runs = runsOf(shape)
        const running: { kernel: Kernel; first: number; times: number[] }[] = []
        for (const kernel of generations.slice(0, shape.rows > 16 ? 5 : undefined)) {
          const start = performance.now()
          try {
            run(kernel)
          } catch {
            continue // this kernel does not take the shape here
          }
          await device.idle()
          running.push({ kernel, first: performance.now() - start, times: [] })
          await check(kernel)
        }
        for (let round = 0; round < rounds; round++)
          for (const { kernel, times } of running) {
            const start = now()
            for (let i = 0; i < runs; i++) run(kernel)
            await device.idle()
            times.push((1000 * (now() - start)) / runs)
          }
        if (profile) profile.push(...(await kernelTimes(device, name, async () => run({}))))
        for (const tensor of inputs) tensor.dispose()
        const work = workOf(shape, backward)
        rows.push(
          ...running.map(({ kernel, first, times }) => ({
            case: name,
            kernel: nameOf(kernel),
            first_ms: rounded(first),
            median_ms: rounded(median(times)),
            least_ms: rounded(Math.min(...times)),
            most_ms: rounded(Math.max(...times)),
            'GFLOP/s': rounded(work.operations / median(times) / 1e6),
            of_ceiling: rounded(ofCeiling(work, ceilings, median(times))),
          })),
        )
      }
    return rows
  },
}

const nameOf = ({ kernel, span }: Kernel) => (kernel ?? 'chosen') + (span ? `, splits of ${span}` : '')

function problem(device: Device, { batch, rows, keys, heads, kvHeads, headDim, start }: Shape, backward: boolean) {
  const shape = [batch, rows, heads, headDim]
  const kvShape = [batch, keys, kvHeads, headDim]
  const host = [shape, kvShape, kvShape].map((s, i) =>
    common.values(
      s.reduce((a, b) => a * b, 1),
      1,
      20 + i,
    ),
  )
  const [q, k, v] = host.map((data, i) => device.tensor(data, { shape: i === 0 ? shape : kvShape })) as [
    Tensor,
    Tensor,
    Tensor,
  ]
  const forward = (kernel: Kernel) => attention(q, k, v, { start, ...kernel })
  const withGradients = (kernel: Kernel) =>
    device.scope(() => {
      const { value, gradients } = valueAndGradient({ q, k, v }, (p) =>
        mean(attention(p.q, p.k, p.v, { start, ...kernel })),
      )
      for (const tensor of [value, ...Object.values(gradients)]) tensor.dispose()
    })
  return {
    inputs: [q, k, v],
    run: (kernel: Kernel) => (backward ? withGradients(kernel) : forward(kernel).dispose()),
    /** The last row of each head against float64. */
    async check(kernel: Kernel) {
      using out = forward(kernel)
      const result = await out.data()
      for (let h = 0; h < heads; h++) {
        const at = (h + heads * (rows - 1)) * headDim
        const key = (s: number) => (s * kvHeads + Math.floor((h * kvHeads) / heads)) * headDim
        const scores = Array.from({ length: start + rows }, (_, s) => {
          let sum = 0
          for (let d = 0; d < headDim; d++) sum += host[0]![at + d]! * host[1]![key(s) + d]!
          return Math.exp(sum / Math.sqrt(headDim))
        })
        const total = scores.reduce((a, b) => a + b, 0)
        for (let d = 0; d < headDim; d += 7) {
          const wanted = scores.reduce((sum, score, s) => sum + (score / total) * host[2]![key(s) + d]!, 0)
          if (!(Math.abs(result[at + d]! - wanted) <= 1e-4))
            throw new Error(
              `attention by ${nameOf(kernel)}: head ${h}, element ${d} is ${result[at + d]}, and float64 says ${wanted}.`,
            )
        }
      }
    },
  }
}

function workOf({ batch, rows, keys, heads, kvHeads, headDim, start }: Shape, backward: boolean) {
  const seen = rows * start + (rows * (rows + 1)) / 2
  const products = backward ? 2 + 5 : 2 // q kᵀ and p v; backward q kᵀ, dout vᵀ, and the sums of dq, dk, dv
  return {
    operations: 2 * products * batch * heads * headDim * seen,
    bytes: 4 * headDim * batch * (2 * rows * heads + 2 * keys * kvHeads) * (backward ? 3 : 1),
  }
}
