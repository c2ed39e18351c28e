import { describe, expect, it } from 'vitest'
import { type FormatName, formats } from '../../formats/index'
import { uniform01 } from '../../random/philox'
import { expectAllClose, gpuSubgroups, likeGpu, randomWeights, testDevice } from '../../testing'
import { linear } from './linear'
import { selectLinear } from './select'
import { skinnyPlan } from './skinny-plan'

const random = (size: number, stream: number) =>
  Float32Array.from({ length: size }, (_, i) => 2 * uniform01(stream, i) - 1)

/** Rows of a normalised and gated layer in float64. */
function reference(
  { x, gain, gate, up }: Record<'x' | 'gain' | 'gate' | 'up', Float32Array>,
  [m, n, k]: readonly [number, number, number],
) {
  const product = (row: ArrayLike<number>, w: Float32Array, c: number) => {
    let sum = 0
    for (let i = 0; i < k; i++) sum += row[i]! * w[c * k + i]!
    return sum
  }
  return Float64Array.from({ length: m * n }, (_, at) => {
    const row = Array.from(x.subarray(Math.floor(at / n) * k, (Math.floor(at / n) + 1) * k))
    const scale = 1 / Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / k + 1e-3)
    const normed = row.map((value, i) => value * scale * gain[i]!)
    const value = product(normed, gate, at % n)
    return (value / (1 + Math.exp(-value))) * product(normed, up, at % n)
  })
}

const products = (x: Float32Array, w: Float32Array, n: number, k: number) =>
  Float64Array.from({ length: (x.length / k) * n }, (_, at) => {
    let sum = 0
    for (let i = 0; i < k; i++) sum += x[Math.floor(at / n) * k + i]! * w[(at % n) * k + i]!
    return sum
  })

describe('a linear layer of few rows on a GPU with subgroups', () => {
  it('agrees with float64 and gives a row the same bits for 1 … 16 rows, by default, whatever is asked for on the way', async () => {
    using device = await likeGpu({ subgroups: true })
    const [n, k] = [7, 352] // more than one tile of columns; pieces that are no multiple of the lanes
    const stored = (format: FormatName, stream: number) => {
      const bytes = randomWeights(format, n * k, stream)
      return { weight: device.tensor(bytes, { shape: [n, k], dtype: format }), values: formats[format].decode(bytes) }
    }
    const [gate, up] = [stored('q4_0', 7), stored('q8_0', 8)]
    const host = { x: random(16 * k, 1), gain: random(k, 4), gate: gate.values, up: up.values }
    for (const [most, gated] of [
      [16, false],
      [3, true], // a large kernel, which takes long to compile
    ] as const) {
      const layer = (count: number) =>
        device.scope(() =>
          linear(device.tensor(host.x.subarray((16 - count) * k), { shape: [count, k] }), gate.weight, {
            ...(gated && { up: up.weight, norm: { weight: device.tensor(host.gain), epsilon: 1e-3 } }),
          }),
        )
      using together = layer(most)
      const x = host.x.subarray((16 - most) * k)
      await expectAllClose(together, gated ? reference({ ...host, x }, [most, n, k]) : products(x, gate.values, n, k), {
        absolute: 1e-4,
        relative: 1e-4,
      })
      const all = await together.data()
      for (let count = 1; count < most; count++) {
        using some = layer(count)
        expect(await some.data(), `${count} rows`).toEqual(all.slice((most - count) * n))
      }
    }
  })

  it('adds up plain numbers of any k, one column at the least, with a bias and a residual', async () => {
    const device = await testDevice()
    for (const [m, n, k] of [
      [1, 1, 5],
      [3, 6, 36],
    ] as const) {
      const [x, w, bias, residual] = [random(m * k, 1), random(n * k, 2), random(n, 3), random(m * n, 4)]
      using y = device.scope(() =>
        linear(device.tensor(x, { shape: [m, k] }), device.tensor(w, { shape: [n, k] }), {
          bias: device.tensor(bias),
          residual: device.tensor(residual, { shape: [m, n] }),
          kernel: 'skinny',
        }),
      )
      const wanted = products(x, w, n, k).map((sum, at) => sum + bias[at % n]! + residual[at]!)
      await expectAllClose(y, wanted, { absolute: 2e-5, relative: 1e-4 })
    }
  })

  it('has workgroups of the device’s subgroups, which reach as far as its smallest, and more along k where columns are few', () => {
    const lanesOf = (n: number, k: number) =>
      Object.fromEntries(
        Object.entries(gpuSubgroups).map(([name, gpu]) => {
          const { lanes, reach } = skinnyPlan({ m: 4, n, k, packed: true }, gpu)
          return [name, `${lanes} by ${reach}`]
        }),
      )
    expect(lanesOf(32_000, 4096)).toEqual({
      'NVIDIA, Apple': '32 by 32',
      'Intel, Gen9 to Xe-LP': '32 by 8',
      'Intel Arc': '32 by 16',
      'AMD RDNA': '64 by 32',
      'AMD GCN, CDNA': '64 by 64',
      'Qualcomm Adreno': '128 by 64',
    })
    expect(lanesOf(2048, 5632)['NVIDIA, Apple']).toBe('64 by 32')
    expect(lanesOf(576, 1536)).toMatchObject({ 'NVIDIA, Apple': '64 by 32', 'AMD GCN, CDNA': '64 by 64' })
    expect(lanesOf(576, 576)['NVIDIA, Apple']).toBe('32 by 32') // k is too short to be cut
  })

  it('is one tile of up to 16 rows, and cuts its sums by the weights and the device alone', () => {
    for (const gpu of Object.values(gpuSubgroups))
      for (const [n, k] of [
        [1, 8],
        [576, 1536],
        [5632, 2048],
      ] as const) {
        const { lanes, reach } = selectLinear({ m: 1, n, k, packed: true }, gpu)
        for (let m = 1; m <= 16; m++) {
          const plan = selectLinear({ m, n, k, packed: true }, gpu)
          expect(plan).toMatchObject({ kernel: 'skinny', lanes, reach })
          expect(plan.rows).toBeGreaterThanOrEqual(m)
          expect(plan.rows).toBeLessThan(2 * m)
          expect(plan.columns).toBeLessThanOrEqual(n)
          expect(lanes).toBeLessThanOrEqual(256)
        }
        // A batch that decodes is of few rows a sequence, however many there are.
        expect(selectLinear({ m: 64, n, k, packed: true, sequenceRows: 4 }, gpu)).toMatchObject({ lanes, rows: 16 })
      }
    const without = { subgroups: false, subgroupMinSize: 0, subgroupMaxSize: 0 }
    expect(selectLinear({ m: 4, n: 64, k: 64 }, without).kernel).toBe('dot')
    expect(() => selectLinear({ m: 4, n: 64, k: 64 }, without, 'skinny')).toThrow(/does not take this form here/)
  })
})
