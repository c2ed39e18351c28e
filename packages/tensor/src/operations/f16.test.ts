import { describe, expect, it } from 'vitest'
import { valueAndGradient } from '../autograd/value-and-gradient'
import type { Device } from '../device/device'
import { uniform01 } from '../random/philox'
import { readAll, type Tensor } from '../tensor'
import { expectAllClose, testDevice } from '../testing'
import { attention } from './attention/attention'
import { embedding } from './embedding/embedding'
import { broadcastTo } from './layout/broadcast-to'
import { transpose } from './layout/transpose'
import { matmul } from './matmul/matmul'
import { rmsNorm } from './normalize/rms-norm'
import { add, multiply } from './pointwise/binary'
import { cast } from './pointwise/cast'
import { geglu, swiglu } from './pointwise/gated'
import { silu } from './pointwise/unary'
import { sum } from './reduce/sum'
import { rotated } from './rope/exact-rotation.fixture'
import { rope } from './rope/rope'

type Numbers = ArrayLike<number>

interface HalfCase {
  name: string
  inputs: readonly { shape: number[]; dtype: 'f16' | 'f32' }[]
  run: (device: Device, inputs: Tensor[]) => Tensor
  /** The same in float64. */
  reference: (...inputs: Numbers[]) => number[]
  /** Of the gradients. */
  gradients: readonly ('f16' | 'f32')[]
  /** Its kernels have f16 in WGSL, which needs `shader-f16`. */
  native: boolean
}

const half = (...shape: number[]) => ({ shape, dtype: 'f16' as const })
const full = (...shape: number[]) => ({ shape, dtype: 'f32' as const })
const range = (count: number) => Array.from({ length: count }, (_, i) => i)
const gelu = (x: number) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2
const logistic = (x: number) => 1 / (1 + Math.exp(-x))
const ids = [2, 0, 2, 1]
const frequencies = [1, 0.25]
// Where f32 holds an angle to 4·10⁻³ at most.
const farStart = 150_000

function product(a: Numbers, b: Numbers, m: number, n: number, k: number, transposeB: boolean): number[] {
  return range(m * n).map((i) => {
    const [row, column] = [Math.floor(i / n), i % n]
    return range(k).reduce((total, s) => total + a[row * k + s]! * b[transposeB ? column * k + s : s * n + column]!, 0)
  })
}

function attended(q: Numbers, k: Numbers, v: Numbers, rows: number, headDim: number): number[] {
  return range(rows).flatMap((t) => {
    const weights = range(t + 1).map((s) =>
      Math.exp(range(headDim).reduce((dot, d) => dot + q[t * headDim + d]! * k[s * headDim + d]!, 0) / headDim ** 0.5),
    )
    const total = weights.reduce((a, b) => a + b, 0)
    return range(headDim).map((d) => weights.reduce((mixed, w, s) => mixed + (w / total) * v[s * headDim + d]!, 0))
  })
}

const cases: HalfCase[] = [
  {
    name: 'matmul',
    inputs: [half(2, 3, 8), half(8, 5)],
    run: (_, [a, b]) => matmul(a!, b!),
    reference: (a, b) => product(a, b, 6, 5, 8, false),
    gradients: ['f16', 'f32'],
    native: true,
  },
  {
    name: 'matmul with a transposed weight',
    inputs: [half(5, 16), half(12, 16)],
    run: (_, [a, b]) => matmul(a!, b!, { transposeB: true }),
    reference: (a, b) => product(a, b, 5, 12, 16, true),
    gradients: ['f16', 'f32'],
    native: true,
  },
  {
    name: 'matmul to f32, of k that divides into nothing',
    inputs: [half(4, 7), half(3, 7)],
    run: (_, [a, b]) => matmul(a!, b!, { transposeB: true, dtype: 'f32' }),
    reference: (a, b) => product(a, b, 4, 3, 7, true),
    gradients: ['f16', 'f32'],
    native: true,
  },
  ...[
    [12, 0],
    [7, 0],
    [12, 1],
  ].map(([columns = 0, offset = 0]) => ({
    name: `rmsNorm over ${columns} with an offset of ${offset}`,
    inputs: [half(3, columns), full(columns)],
    run: (_: Device, [x, weight]: Tensor[]) => rmsNorm(x!, weight!, { epsilon: 1e-3, offset }),
    reference: (x: Numbers, weight: Numbers) =>
      range(3 * columns).map((i) => {
        const row = range(columns).map((c) => x[Math.floor(i / columns) * columns + c]!)
        const mean = row.reduce((total, value) => total + value * value, 0) / columns
        return (x[i]! / Math.sqrt(mean + 1e-3)) * (offset + weight[i % columns]!)
      }),
    gradients: ['f16', 'f32'] as const,
    native: true,
  })),
  {
    name: 'rope',
    inputs: [half(1, 3, 2, 4)],
    run: (device, [x]) => rope(x!, { frequencies: device.tensor(frequencies), start: farStart }),
    reference: (x) =>
      range(24).map((i) => {
        const d = i % 4
        const angle = (farStart + Math.floor(i / 8)) * frequencies[d % 2]!
        return x[i]! * Math.cos(angle) + (d < 2 ? -x[i + 2]! : x[i - 2]!) * Math.sin(angle)
      }),
    gradients: ['f16'],
    native: true,
  },
  {
    name: 'rope of a part of each head, by a magnitude',
    inputs: [half(1, 3, 2, 8)],
    run: (device, [x]) => rope(x!, { frequencies: device.tensor(frequencies), start: farStart, magnitude: 1.5 }),
    reference: (x) => rotated(x, { starts: [farStart], rows: 3, heads: 2, headDim: 8, frequencies, magnitude: 1.5 }),
    gradients: ['f16'],
    native: true,
  },
  {
    name: 'embedding',
    inputs: [half(3, 6)],
    run: (device, [table]) => embedding(table!, device.tensor(ids, { dtype: 'u32' }), { dtype: 'f16' }),
    reference: (table) => ids.flatMap((id) => range(6).map((c) => table[id * 6 + c]!)),
    gradients: ['f32'],
    native: true,
  },
  {
    name: 'attention',
    inputs: [half(1, 5, 1, 8), half(1, 5, 1, 8), half(1, 5, 1, 8)],
    run: (_, [q, k, v]) => attention(q!, k!, v!),
    reference: (q, k, v) => attended(q, k, v, 5, 8),
    gradients: ['f16', 'f16', 'f16'],
    native: false,
  },
  {
    name: 'adding a bias to every row',
    inputs: [half(4, 5), half(5)],
    run: (_, [x, bias]) => add(x!, bias!),
    reference: (x, bias) => range(20).map((i) => x[i]! + bias[i % 5]!),
    gradients: ['f16', 'f32'],
    native: true,
  },
  {
    name: 'broadcastTo',
    inputs: [half(2, 1, 3)],
    run: (_, [x]) => broadcastTo(x!, [2, 4, 3]),
    reference: (x) => range(24).map((i) => x[Math.floor(i / 12) * 3 + (i % 3)]!),
    gradients: ['f32'],
    native: true,
  },
  {
    name: 'transpose',
    inputs: [half(3, 5)],
    run: (_, [x]) => transpose(x!),
    reference: (x) => range(15).map((i) => x[(i % 3) * 5 + Math.floor(i / 3)]!),
    gradients: ['f16'],
    native: true,
  },
  {
    name: 'swiglu',
    inputs: [half(4, 5), half(4, 5)],
    run: (_, [gate, up]) => swiglu(gate!, up!),
    reference: (gate, up) => range(20).map((i) => gate[i]! * logistic(gate[i]!) * up[i]!),
    gradients: ['f16', 'f16'],
    native: false,
  },
  {
    name: 'geglu',
    inputs: [half(4, 5), half(4, 5)],
    run: (_, [gate, up]) => geglu(gate!, up!),
    reference: (gate, up) => range(20).map((i) => gelu(gate[i]!) * up[i]!),
    gradients: ['f16', 'f16'],
    native: false,
  },
  {
    name: 'silu',
    inputs: [half(7)],
    run: (_, [x]) => silu(x!),
    reference: (x) => range(7).map((i) => x[i]! * logistic(x[i]!)),
    gradients: ['f16'],
    native: false,
  },
]

/** Numbers that f16 has, so that what is compared begins with the same. */
const numbers = (size: number, stream: number) =>
  Float32Array.from({ length: size }, (_, i) => Math.round(256 * (3 * uniform01(stream, i) - 1.5)) / 256)

/** f16 has eleven bits; sums are of some dozens of terms. */
const tolerance = { absolute: 4e-3, relative: 2e-3 }

const unsupported = expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining('shader-f16') })

describe('f16 tensors', () => {
  for (const { name, inputs, run, reference, gradients: dtypes, native } of cases)
    it(`agree with float64 in ${name} and in its gradients${native ? '; without shader-f16 they are refused' : ''}`, async () => {
      const device = await testDevice()
      const values = inputs.map(({ shape }, i) =>
        numbers(
          shape.reduce((a, b) => a * b, 1),
          i + 1,
        ),
      )
      const tensors = values.map((data, i) => {
        const { shape, dtype } = inputs[i]!
        return device.tensor(data, { shape, dtype })
      })
      if (native && !device.capabilities.shaderF16) {
        expect(() => device.scope(() => run(device, tensors))).toThrow(unsupported)
        return
      }
      const expected = reference(...values)
      const weights = numbers(expected.length, 9)
      const { value, gradients, aux } = valueAndGradient(tensors, (inputs) => {
        const output = run(device, inputs)
        const weighted = multiply(cast(output, 'f32'), device.tensor(weights, { shape: output.shape }))
        return { value: sum(weighted), aux: output }
      })
      await expectAllClose(aux, expected, tolerance)
      expect(gradients.map(({ dtype }) => dtype)).toEqual(dtypes)
      for (const [which, gradient] of gradients.entries()) {
        const moved = (at: number, by: number) => {
          const others = values.map((data) => Float64Array.from(data))
          others[which]![at]! += by
          return reference(...others).reduce((total, y, i) => total + y * weights[i]!, 0)
        }
        const slopes = Array.from(values[which]!, (_, i) => (moved(i, 1e-4) - moved(i, -1e-4)) / 2e-4)
        await expectAllClose(gradient, slopes, tolerance).catch((error: Error) => {
          throw new Error(`gradient of input ${which}: ${error.message}`)
        })
      }
      for (const tensor of [value, aux, ...gradients, ...tensors]) tensor.dispose()
    })

  it('hold at the largest number where a result is past it; without shader-f16 they are refused', async () => {
    const device = await testDevice()
    const results = () =>
      device.scope(() => {
        const x = device.tensor([[300, -300, 300, 300]], { dtype: 'f16' })
        const weights = device.tensor(
          [
            [300, 0, 0, 0],
            [0, 300, 0, 0],
            [0, 0, 300, 300],
            [0, 0, 0.5, 0],
          ],
          { dtype: 'f16' },
        )
        return [
          matmul(x, weights, { transposeB: true }),
          matmul(x, weights),
          rmsNorm(x, device.tensor([1e6, 1e6, -1e6, 2])),
          rope(multiply(x, 200).reshape([1, 1, 1, 4]), { frequencies: device.tensor([Math.PI / 4, 0]), start: 1 }),
        ]
      })
    if (!device.capabilities.shaderF16) {
      expect(results).toThrow(unsupported)
      return
    }
    const tensors = results()
    const values = (await readAll(tensors)).map((data) => [...data])
    for (const tensor of tensors) tensor.dispose()
    expect(values[0]).toEqual([65504, -65504, 65504, 150])
    expect(values[1]!.slice(0, 2)).toEqual([65504, -65504])
    expect(values[2]).toEqual([65504, -65504, -65504, 2])
    expect(values[3]![2]).toBe(65504)
  })

  const forms = [
    { transposeA: false, transposeB: false, kernels: ['plain', 'outer', 'tiled', undefined] },
    { transposeA: false, transposeB: true, kernels: ['plain', 'dot', 'tiled', undefined] },
    { transposeA: true, transposeB: false, kernels: ['plain', 'outer', 'tiled', undefined] },
  ] as const
  for (const { kernels, ...form } of forms)
    it(`multiply with f16 and f32 by every kernel of ${form.transposeA ? 'T' : 'N'}${form.transposeB ? 'T' : 'N'}; without shader-f16 they are refused`, async () => {
      const device = await testDevice()
      const [m, n, k] = [20, 12, 24]
      const turned = (x: Numbers, rows: number, columns: number) =>
        range(rows * columns).map((i) => x[(i % rows) * columns + Math.floor(i / rows)]!)
      const [a, b] = [numbers(m * k, 21), numbers(n * k, 22)]
      const expected = product(form.transposeA ? turned(a, k, m) : a, b, m, n, k, form.transposeB)
      for (const [ofA, ofB, dtype] of [
        ['f16', 'f16', 'f16'],
        ['f16', 'f32', 'f16'],
        ['f32', 'f16', 'f32'],
      ] as const)
        for (const kernel of kernels) {
          const multiplied = () =>
            device.scope(() =>
              matmul(
                device.tensor(a, { shape: form.transposeA ? [k, m] : [m, k], dtype: ofA }),
                device.tensor(b, { shape: form.transposeB ? [n, k] : [k, n], dtype: ofB }),
                { ...form, kernel, dtype },
              ),
            )
          if (!device.capabilities.shaderF16) {
            expect(multiplied).toThrow(unsupported)
            continue
          }
          using c = multiplied()
          expect(c.dtype).toBe(dtype)
          // In f32 nothing is lost: operands are exact, and so are sums.
          const close = dtype === 'f32' ? { absolute: 1e-5, relative: 1e-6 } : tolerance
          await expectAllClose(c, expected, close).catch((error: Error) => {
            throw new Error(`${ofA} · ${ofB} by ${kernel}: ${error.message}`)
          })
        }
    })
})
