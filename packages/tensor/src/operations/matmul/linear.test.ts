import { describe, expect, it } from 'vitest'
import { valueAndGradient } from '../../autograd/value-and-gradient'
import { formats } from '../../formats/index'
import { uniform01 } from '../../random/philox'
import type { Tensor } from '../../tensor'
import { expectAllClose, randomWeights, testDevice } from '../../testing'
import { slice } from '../layout/slice'
import { sum } from '../reduce/sum'
import { linear } from './linear'

const random = (size: number, stream: number) =>
  Float32Array.from({ length: size }, (_, i) => 2 * uniform01(stream, i) - 1)

const epsilon = 1e-3

type Activation = 'silu' | 'gelu_tanh'
const gates: Record<Activation, (x: number) => number> = {
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu_tanh: (x) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2,
}

interface Form {
  norm?: boolean
  offset?: number
  bias?: boolean
  residual?: boolean
  up?: boolean
  activation?: Activation
}

/** Operands of one shape on the host, and the layer in float64. */
function problem(m: number, n: number, k: number) {
  const host = {
    x: random(m * k, 1),
    weight: random(n * k, 2),
    up: random(n * k, 3),
    gain: random(k, 4),
    residual: random(m * n, 5),
    bias: random(n, 6),
  }
  const row = (r: number, { norm, offset = 0 }: Form) => {
    const x = Array.from(host.x.subarray(r * k, (r + 1) * k))
    const scale = 1 / Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / k + epsilon)
    return norm ? x.map((value, i) => value * scale * (offset + host.gain[i]!)) : x
  }
  const product = (r: number, c: number, w: Float32Array, form: Form) =>
    row(r, form).reduce((sum, value, i) => sum + value * w[c * k + i]!, 0)
  const reference = (form: Form) =>
    Float64Array.from({ length: m * n }, (_, i) => {
      const [r, c] = [Math.floor(i / n), i % n]
      const value = product(r, c, host.weight, form) + (form.bias ? host.bias[c]! : 0)
      if (form.up) return gates[form.activation ?? 'silu'](value) * product(r, c, host.up, form)
      return form.residual ? host.residual[i]! + value : value
    })
  return { host, reference }
}

const forms: readonly Form[] = [
  {},
  { norm: true },
  { residual: true },
  { norm: true, offset: 1 },
  { norm: true, bias: true },
  { norm: true, bias: true, residual: true },
  { up: true },
  { norm: true, up: true },
  { norm: true, offset: 1, up: true, activation: 'gelu_tanh' },
  { norm: true, up: true, activation: 'gelu_tanh' },
]

describe('linear', () => {
  it.each(forms)('agrees with float64 for a few rows and for many, k a multiple of 4 or not: %o', async (form) => {
    const device = await testDevice()
    const kernels = [undefined, 'dot'] as const
    const sizes = [
      [1, 1, 4],
      [1, 37, 8],
      [2, 17, 5],
      [3, 9, 66],
      [5, 21, 64],
      [9, 40, 12],
      [19, 33, 31],
    ] as const
    for (const [m, n, k] of sizes) {
      const { host, reference } = problem(m, n, k)
      for (const kernel of kernels) {
        using y = device.scope(() =>
          linear(device.tensor(host.x, { shape: [m, k] }), device.tensor(host.weight, { shape: [n, k] }), {
            ...(form.norm && { norm: { weight: device.tensor(host.gain), epsilon, offset: form.offset } }),
            ...(form.bias && { bias: device.tensor(host.bias) }),
            ...(form.residual && { residual: device.tensor(host.residual, { shape: [m, n] }) }),
            ...(form.up && { up: device.tensor(host.up, { shape: [n, k] }), activation: form.activation }),
            kernel,
          }),
        )
        expect(y.shape).toEqual([m, n])
        await expectAllClose(y, reference(form), { absolute: 3e-5, relative: 1e-4 })
      }
    }
  })

  it('gives a row the same bits whatever rows are beside it', async () => {
    const device = await testDevice()
    const [rows, n, k] = [40, 70, 132]
    const { host } = problem(rows, n, k)
    using x = device.tensor(host.x, { shape: [rows, k] })
    using weight = device.tensor(host.weight, { shape: [n, k] })
    using up = device.tensor(host.up, { shape: [n, k] })
    using gain = device.tensor(host.gain)
    const layer = (input: Tensor) => linear(input, weight, { up, norm: { weight: gain, epsilon } })
    using together = layer(x)
    const all = await together.data()
    for (let count = 1; count <= 16; count++) {
      using some = device.scope(() => layer(slice(x, { start: 3, count })))
      expect(await some.data(), `${count} rows`).toEqual(all.slice(3 * n, (3 + count) * n))
    }
  })

  it('does so where weights are in blocks, of two formats and for every height of a tile', async () => {
    const device = await testDevice()
    const [rows, n, k] = [17, 50, 1312] // so many weights are read by tiles of 16 rows wherever there are any
    const { host } = problem(rows, n, k)
    const stored = (format: 'q4_1' | 'q8_0', stream: number) => {
      const bytes = randomWeights(format, n * k, stream)
      return { weight: device.tensor(bytes, { shape: [n, k], dtype: format }), values: formats[format].decode(bytes) }
    }
    const [gate, up] = [stored('q4_1', 7), stored('q8_0', 8)]
    using gain = device.tensor(host.gain)
    const norm = { weight: gain, epsilon }
    const layers = [{ norm }, { norm, up: up.weight }]
    const layer = (count: number, options: (typeof layers)[number]) =>
      device.scope(() =>
        linear(device.tensor(host.x.subarray(0, count * k), { shape: [count, k] }), gate.weight, options),
      )
    const product = (i: number, w: Float32Array) => {
      const x = host.x.subarray(Math.floor(i / n) * k, (Math.floor(i / n) + 1) * k)
      const scale = 1 / Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / k + epsilon)
      return x.reduce((sum, value, j) => sum + value * scale * host.gain[j]! * w[(i % n) * k + j]!, 0)
    }
    for (const options of layers) {
      using together = layer(rows, options)
      const all = await together.data()
      const wanted = Float64Array.from({ length: rows * n }, (_, i) => {
        const value = product(i, gate.values)
        return 'up' in options ? gates.silu(value) * product(i, up.values) : value
      })
      await expectAllClose(together, wanted, { absolute: 1e-4, relative: 1e-4 })
      for (const count of [1, 2, 3, 4, 5, 6, 7, 8, 9, 16]) {
        using some = layer(count, options)
        expect(await some.data(), `${count} rows`).toEqual(all.slice(0, count * n))
      }
    }
    gate.weight.dispose()
    up.weight.dispose()
  })

  it('refuses what does not fit together, and to be differentiated', async () => {
    const device = await testDevice()
    device.scope(() => {
      const [x, weight] = [device.zeros([2, 4]), device.zeros([3, 4])]
      expect(() => linear(x, device.zeros([3, 5]))).toThrow(/linear: \[2, 4\] and \[3, 5\]/)
      expect(() => linear(x, weight, { up: device.zeros([4, 3]) })).toThrow(/one shape/)
      expect(() => linear(x, weight, { residual: device.zeros([2, 4]) })).toThrow(/\[2, 3\] and \[2, 4\]/)
      expect(() => linear(x, weight, { norm: { weight: device.zeros([3]), epsilon } })).toThrow(/\[k\]/)
      expect(() => linear(x, weight, { residual: device.zeros([2, 3]), up: weight })).toThrow(
        /neither bias nor residual/,
      )
      expect(() => linear(x, weight, { bias: device.zeros([4]) })).toThrow(/the bias must be \[n\]/)
      expect(() => valueAndGradient({ weight }, ({ weight }) => sum(linear(x, weight)))).toThrow(
        expect.objectContaining({ code: 'UNSUPPORTED' }),
      )
    })
  })
})
