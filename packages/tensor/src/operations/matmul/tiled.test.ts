import { afterAll, describe, expect, it } from 'vitest'
import { type Format, type FormatName, formats } from '../../formats/index'
import { uniform01 } from '../../random/philox'
import { expectAllClose, likeGpu, randomWeights } from '../../testing'
import { linear } from './linear'
import { matmul } from './matmul'
import { selectLinear } from './select'
import { holdsLinearTile, matmulDepth, tileBytes, tileNames, tileShapes } from './tile-shapes'

const random = (size: number, stream: number) =>
  Float32Array.from({ length: size }, (_, i) => 2 * uniform01(stream, i) - 1)

const bytes = (x: { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }) =>
  Buffer.from(x.buffer, x.byteOffset, x.byteLength)

const gpu = likeGpu()
afterAll(async () => (await gpu).dispose())

const matmulTiles = tileNames.filter((name) => name !== 'tiled32x64')
const linearTiles = tileNames.filter((name) => name !== 'tiled128x128' && name !== 'tiled128x128x2')

/** A normalised layer with a bias and a residual, in float64. */
function reference(
  { x, w, gain, bias, residual }: Record<'x' | 'w' | 'gain' | 'bias' | 'residual', Float32Array>,
  [m, n, k]: readonly [number, number, number],
) {
  const y = new Float64Array(m * n)
  for (let r = 0; r < m; r++) {
    const row = x.subarray(r * k, (r + 1) * k)
    const scale = 1 / Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / k + 1e-3)
    for (let c = 0; c < n; c++) {
      let sum = 0
      for (let i = 0; i < k; i++) sum += row[i]! * scale * (1 + gain[i]!) * w[c * k + i]!
      y[r * n + c] = sum + bias[c]! + residual[r * n + c]!
    }
  }
  return y
}

/** Formats of half a word, one, two and four for eight elements, with what they share read as words and as vectors. */
const layouts = ['q2_k', 'q4_0', 'q8_0', 'q4_k', 'bf16'] as const satisfies readonly FormatName[]

const sizes = [
  [17, 5, 20], // less than a tile either way, the last steps of k not whole
  [130, 70, 36], // more than the tallest and the widest tile
] as const

describe('tiles in workgroup memory', () => {
  it('give a linear layer with all that surrounds it, against float64, with the same bits in every tile and for any rows', async () => {
    const device = await gpu
    for (const size of sizes) {
      const [m, n, k] = size
      const host = {
        x: random(m * k, 1),
        w: random(n * k, 2),
        gain: random(k, 3),
        bias: random(n, 4),
        residual: random(m * n, 5),
      }
      const layer = (kernel: (typeof linearTiles)[number], start: number, count: number) =>
        device.scope(() =>
          linear(
            device.tensor(host.x.subarray(start * k, (start + count) * k), { shape: [count, k] }),
            device.tensor(host.w, { shape: [n, k] }),
            {
              norm: { weight: device.tensor(host.gain), epsilon: 1e-3, offset: 1 },
              bias: device.tensor(host.bias),
              residual: device.tensor(host.residual.subarray(start * n, (start + count) * n), { shape: [count, n] }),
              kernel,
            },
          ),
        )
      using first = layer('tiled32x64', 0, m)
      await expectAllClose(first, reference(host, size), { absolute: 3e-5, relative: 1e-4 })
      const all = await first.data()
      for (const kernel of linearTiles.slice(1)) {
        using again = layer(kernel, 0, m)
        expect(bytes(await again.data()).equals(bytes(all)), kernel).toBe(true)
      }
      for (const count of [1, 14]) {
        using some = layer('tiled64x64', 3, count)
        const wanted = bytes(all.slice(3 * n, (3 + count) * n))
        expect(bytes(await some.data()).equals(wanted), `${count} rows`).toBe(true)
      }
    }
  })

  it('unpack weights of every layout of blocks, against float64', async () => {
    const device = await gpu
    const [m, n] = [33, 70]
    for (const [i, name] of layouts.entries()) {
      const format: Format = formats[name]
      const k = Math.max(40, format.elements) // of plain numbers, more than whole steps of k
      const rows = format.elements > 1 && k % format.elements !== 0 ? format.elements * 3 : k
      const stored = randomWeights(name, n * rows, i)
      const w = format.decode(stored)
      const x = random(m * rows, 20)
      const wanted = Float64Array.from({ length: m * n }, (_, at) => {
        const [r, c] = [Math.floor(at / n), at % n]
        let sum = 0
        for (let j = 0; j < rows; j++) sum += x[r * rows + j]! * w[c * rows + j]!
        return sum
      })
      using y = device.scope(() =>
        linear(device.tensor(x, { shape: [m, rows] }), device.tensor(stored, { shape: [n, rows], dtype: name }), {
          kernel: 'tiled32x64',
        }),
      )
      await expectAllClose(y, wanted, { absolute: 1e-4, relative: 1e-4 }).catch((error: Error) => {
        throw new Error(`${name}: ${error.message}`)
      })
    }
  })

  for (const [name, transposeA, transposeB, kernels] of [
    ['NN', false, false, ['tiled64x64x2', 'tiled128x128x2']],
    ['NT', false, true, ['tiled128x64x2']],
    ['TN', true, false, ['tiled64x64', 'tiled128x64']],
  ] as const)
    it(`multiply as ${name} against float64, cut into splits where that form allows it, all with the same bits`, async () => {
      const device = await gpu
      const [m, n, k] = [132, 136, 44]
      const [a, b] = [random(m * k, 1), random(k * n, 2)]
      const wanted = Float64Array.from({ length: m * n }, (_, at) => {
        const [r, c] = [Math.floor(at / n), at % n]
        let sum = 0
        for (let s = 0; s < k; s++)
          sum += a[transposeA ? s * m + r : r * k + s]! * b[transposeB ? c * k + s : s * n + c]!
        return sum
      })
      using x = device.tensor(a, { shape: transposeA ? [k, m] : [m, k] })
      using w = device.tensor(b, { shape: transposeB ? [n, k] : [k, n] })
      for (const splits of transposeB ? [1] : [1, 3]) {
        let first: Buffer | undefined
        for (const kernel of kernels) {
          using c = matmul(x, w, { transposeA, transposeB, kernel, splits })
          await expectAllClose(c, wanted, { absolute: 2e-5, relative: 1e-4 })
          const bits = bytes(await c.data())
          first ??= bits
          expect(bits.equals(first), kernel).toBe(true)
        }
      }
    })

  it('multiply f16 into f16 and f32, against float64 of the halves', async () => {
    const device = await gpu
    if (!device.capabilities.shaderF16) {
      expect(() => device.scope(() => matmul(device.zeros([4, 4], 'f16'), device.zeros([4, 4])))).toThrow(/shader-f16/)
      return
    }
    const [m, n, k] = [70, 72, 40]
    const half = (size: number, stream: number) => formats.f16.encode!(random(size, stream))
    const [a, b] = [half(m * k, 1), half(n * k, 2)]
    const [x, w] = [formats.f16.decode(a), formats.f16.decode(b)]
    const wanted = Float64Array.from({ length: m * n }, (_, at) => {
      let sum = 0
      for (let s = 0; s < k; s++) sum += x[Math.floor(at / n) * k + s]! * w[(at % n) * k + s]!
      return sum
    })
    using left = device.tensor(a, { shape: [m, k], dtype: 'f16' })
    using right = device.tensor(b, { shape: [n, k], dtype: 'f16' })
    for (const kernel of ['tiled64x64', 'tiled128x64x2'] as const) {
      using c = matmul(left, right, { transposeB: true, kernel, dtype: 'f32' })
      await expectAllClose(c, wanted, { absolute: 2e-5, relative: 1e-4 })
      using rounded = matmul(left, right, { transposeB: true, kernel })
      await expectAllClose(rounded, wanted, { absolute: 1e-3, relative: 1e-3 })
    }
  })

  it('fit into 16 KiB, but for one of linear that is refused there', () => {
    for (const name of matmulTiles)
      expect(tileBytes(tileShapes[name], matmulDepth(tileShapes[name])), name).toBeLessThanOrEqual(16_384)
    const larger = linearTiles.filter((name) => !holdsLinearTile(name, {}))
    expect(larger).toEqual(['tiled128x64x2'])
    const limits = { subgroups: false, subgroupMinSize: 0, subgroupMaxSize: 0 }
    const problem = { m: 512, n: 64, k: 64 }
    expect(() => selectLinear(problem, limits, 'tiled128x64x2')).toThrow(/does not take this form here/)
    expect(selectLinear(problem, { ...limits, maxWorkgroupBytes: 32_768 }, 'tiled128x64x2').buffers).toBe(2)
  })

  it('are chosen on a GPU for more than 16 rows, where a tuned choice has its say; decoding keeps its kernel', async () => {
    const wide = { subgroups: true, subgroupMinSize: 32, subgroupMaxSize: 32 }
    const shape = { n: 1536, k: 576 }
    expect(selectLinear({ m: 16, ...shape }, wide).kernel).toBe('skinny')
    expect(selectLinear({ m: 16, ...shape }, wide, undefined, 'tiled64x64').kernel).toBe('skinny')
    expect(selectLinear({ m: 17, ...shape }, wide)).toMatchObject({ kernel: 'tiled', rows: 64 })
    expect(selectLinear({ m: 512, ...shape }, wide, undefined, 'tiled128x64')).toMatchObject({
      kernel: 'tiled',
      rows: 128,
    })
    expect(selectLinear({ m: 512, ...shape }, wide, undefined, 'dot').kernel).toBe('dot')
    expect(selectLinear({ m: 512, ...shape, k: 577 }, wide, undefined, 'tiled64x64').kernel).toBe('skinny')
    expect(() => selectLinear({ m: 512, ...shape, k: 577 }, wide, 'tiled64x64')).toThrow(/does not take this form/)
    const device = await gpu
    const [m, n, k] = [20, 12, 16]
    const [x, w, up] = [random(m * k, 1), random(n * k, 2), random(n * k, 3)]
    using y = device.scope(() =>
      linear(device.tensor(x, { shape: [m, k] }), device.tensor(w, { shape: [n, k] }), {
        up: device.tensor(up, { shape: [n, k] }),
      }),
    )
    const product = (weights: Float32Array, at: number) => {
      let sum = 0
      for (let s = 0; s < k; s++) sum += x[Math.floor(at / n) * k + s]! * weights[(at % n) * k + s]!
      return sum
    }
    await expectAllClose(
      y,
      Float64Array.from({ length: m * n }, (_, at) => {
        const gate = product(w, at)
        return (gate / (1 + Math.exp(-gate))) * product(up, at)
      }),
      { absolute: 2e-5, relative: 1e-4 },
    )
  })
})
