import { afterAll, describe, expect, it } from 'vitest'
import type { MatrixUnit } from '../../device/matrix-units'
import { type FormatName, formats } from '../../formats/index'
import { uniform01 } from '../../random/philox'
import { expectAllClose, gpuSubgroups, randomWeights, testDevice } from '../../testing'
import { linearCandidates, takesChoice } from '../../tuning/kernel-choices'
import { emulatingUnits } from './emulated-units.fixture'
import { linear } from './linear'
import { matricesLinearBytes } from './matrices-plan'
import { selectLinear } from './select'

const unit = (component: MatrixUnit['component'], m: number, n: number, k: number): MatrixUnit => ({
  ...{ component, m, n, k },
  layout: component === 'f16' ? 'template' : 'argument',
})
/** Those of NVIDIA and AMD, of Intel, and of Apple. */
const units = { nvidia: unit('f16', 16, 16, 16), intel: unit('f16', 8, 16, 16), apple: unit('f32', 8, 8, 8) }

// Each kind is a device of its own. Weights of more than 40,000 bytes lie in slabs.
const devices = Object.fromEntries(
  Object.entries(units).map(([name, one]) => [name, emulatingUnits([one], { maxBindingBytes: 40_000 })]),
) as Record<keyof typeof units, ReturnType<typeof emulatingUnits>>
afterAll(async () => {
  for (const device of Object.values(devices)) (await device).dispose()
})

const random = (size: number, stream: number, scale = 1) =>
  Float32Array.from({ length: size }, (_, i) => scale * (2 * uniform01(stream, i) - 1))

/** Operands of a layer on the host. */
const operands = (m: number, n: number, k: number, scale = 1) => ({
  x: random(m * k, 1, scale),
  w: random(n * k, 2),
  gain: random(k, 3),
  bias: random(n, 4),
  residual: random(m * n, 5),
})

const epsilon = 1e-3

/** x · wᵀ in float64; `whole` is normalised, with a bias and a residual. */
function reference(
  { x, w, gain, bias, residual }: Record<keyof ReturnType<typeof operands>, Float32Array>,
  [m, n, k]: readonly [number, number, number],
  whole = false,
) {
  return Float64Array.from({ length: m * n }, (_, at) => {
    const [r, c] = [Math.floor(at / n), at % n]
    const row = x.subarray(r * k, (r + 1) * k)
    const scale = 1 / Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / k + epsilon)
    let sum = 0
    for (let i = 0; i < k; i++) sum += row[i]! * (whole ? scale * (1 + gain[i]!) : 1) * w[c * k + i]!
    return whole ? sum + bias[c]! + residual[at]! : sum
  })
}

const sizes = [
  [17, 5, 20], // less than a tile either way, the last steps of k not whole
  [70, 132, 84], // more than a tile either way, in slabs
] as const

describe('linear layers by matrix units', () => {
  it.each(['nvidia', 'intel', 'apple'] as const)(
    'agree with float64 as closely as f32 does, with all that surrounds them, by units as %s has',
    async (name) => {
      const device = await devices[name]
      for (const size of sizes) {
        const [m, n, k] = size
        const host = operands(m, n, k)
        using y = device.scope(() =>
          linear(device.tensor(host.x, { shape: [m, k] }), device.tensor(host.w, { shape: [n, k] }), {
            norm: { weight: device.tensor(host.gain), epsilon, offset: 1 },
            bias: device.tensor(host.bias),
            residual: device.tensor(host.residual, { shape: [m, n] }),
            kernel: 'matrices',
          }),
        )
        await expectAllClose(y, reference(host, size, true), { absolute: 3e-5, relative: 1e-4 })
      }
    },
  )

  it.each([1e-7, 1, 1e7])('take numbers of f32 as they are, also those that f16 does not have: %d', async (scale) => {
    const device = await devices.nvidia
    const [m, n, k] = sizes[1]
    const host = operands(m, n, k, scale)
    host.x.fill(0, 3 * k, 4 * k)
    using y = device.scope(() =>
      linear(device.tensor(host.x, { shape: [m, k] }), device.tensor(host.w, { shape: [n, k] }), {
        kernel: 'matrices',
      }),
    )
    await expectAllClose(y, reference(host, [m, n, k]), { absolute: 1e-5 * scale, relative: 1e-5 })
  })

  // One and two parts of a weight; of half a word, one and two for eight elements; with what they share read as words and as vectors.
  it.each(['f16', 'bf16', 'q2_k', 'q4_0', 'q8_0', 'q4_k'] as const satisfies readonly FormatName[])(
    'unpack weights of %s, against float64',
    async (format) => {
      const device = await devices.nvidia
      const { elements, decode } = formats[format]
      const [m, n, k] = [33, 70, elements > 1 ? elements : 40] as const
      const stored = randomWeights(format, n * k, 9)
      const host = { ...operands(m, n, k), w: decode(stored) }
      using y = device.scope(() =>
        linear(device.tensor(host.x, { shape: [m, k] }), device.tensor(stored, { shape: [n, k], dtype: format }), {
          kernel: 'matrices',
        }),
      )
      await expectAllClose(y, reference(host, [m, n, k]), { absolute: 1e-5, relative: 1e-5 })
    },
  )

  it('gate, and give a row the same bits among any number of rows', async () => {
    const device = await devices.intel
    const [m, n, k] = [70, 36, 24]
    const host = operands(m, n, k)
    const [w, up] = [6, 7].map((stream) => randomWeights('f16', n * k, stream))
    const layer = (start: number, count: number) =>
      device.scope(() => {
        const [weight, other] = [w!, up!].map((stored) => device.tensor(stored, { shape: [n, k], dtype: 'f16' }))
        const x = device.tensor(host.x.subarray(start * k, (start + count) * k), { shape: [count, k] })
        return linear(x, weight!, { up: other! }) // `matrices` is chosen
      })
    using all = layer(0, m)
    const data = await all.data()
    for (const [start, count] of [
      [3, 17],
      [6, 64],
    ] as const) {
      using some = layer(start, count)
      expect(await some.data(), `${count} rows`).toEqual(data.slice(start * n, (start + count) * n))
    }
    const [gate, value] = [w!, up!].map((stored) => reference({ ...host, w: formats.f16.decode(stored) }, [m, n, k]))
    await expectAllClose(
      all,
      gate!.map((g, i) => (g / (1 + Math.exp(-g))) * value![i]!),
      { absolute: 1e-6, relative: 1e-5 },
    )
  })

  it('are chosen for more than 16 rows of a sequence where they take a product twice at most; decoding keeps its kernel', () => {
    const shape = { n: 1536, k: 576, packed: true }
    const halves = { ...shape, halves: true }
    const gpu = { ...gpuSubgroups['NVIDIA, Apple'], matrixUnits: [units.intel, units.nvidia] }
    for (const m of [1, 8, 16]) expect(selectLinear({ m, ...halves }, gpu, undefined, 'matrices').kernel).toBe('skinny')
    expect(selectLinear({ m: 64, ...halves, sequenceRows: 8 }, gpu).kernel).toBe('skinny')
    expect(selectLinear({ m: 17, ...halves }, gpu)).toEqual({
      ...{ kernel: 'matrices', rows: 64, columns: 64, lanes: 128 },
      unit: units.nvidia,
    })
    expect(selectLinear({ m: 17, ...shape }, gpu).kernel).toBe('tiled')
    expect(selectLinear({ m: 17, ...shape }, gpu, undefined, 'matrices').kernel).toBe('matrices')
    expect(selectLinear({ m: 17, ...halves }, gpu, undefined, 'tiled64x64').kernel).toBe('tiled')
    // Units that take a product once go before those that take it three times.
    const all = { ...gpu, matrixUnits: Object.values(units) }
    expect(selectLinear({ m: 17, ...shape }, all).unit).toBe(units.apple)
    expect(matricesLinearBytes(units.nvidia)).toBe(16_384)
    const without = [
      { ...gpu, matrixUnits: [] },
      { ...gpu, matrixUnits: [unit('f16', 16, 16, 32), unit('f32', 64, 8, 8), unit('f32', 32, 16, 8)] },
      { ...gpu, subgroupMinSize: 16 },
    ]
    for (const one of without) {
      expect(selectLinear({ m: 17, ...halves }, one).kernel).toBe('tiled')
      expect(() => selectLinear({ m: 17, ...halves }, one, 'matrices')).toThrow(/does not take this form here/)
    }
    expect(() => selectLinear({ m: 17, ...halves, k: 578 }, gpu, 'matrices')).toThrow(/does not take this form here/)
  })

  it('are timed by tuning, and a choice of them is known where there are units', async () => {
    const { capabilities } = await testDevice()
    expect(linearCandidates).toContain('matrices')
    const gpu = { ...capabilities, ...gpuSubgroups['AMD GCN, CDNA'], matrixUnits: [units.nvidia] }
    expect(takesChoice('linear 36x32 q4_0', 'matrices', gpu)).toBe(true)
    expect(takesChoice('linear 36x32 q4_0', 'matrices', { ...gpu, matrixUnits: [] })).toBe(false)
  })
})
