import { describe, expect, it } from 'vitest'
import { uniform01 } from '../../random/philox'
import { expectAllClose, testDevice } from '../../testing'
import { slice } from '../layout/slice'
import { matmul } from './matmul'
import { dotPlan, selectLinear, selectMatmul, selectSplits, takesTiled, tiledPlan } from './select'

// As bytes: number by number, a comparison of many takes long, and that they differ takes minutes to say.
const bytes = (x: { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }) =>
  Buffer.from(x.buffer, x.byteOffset, x.byteLength)

const random = (size: number, stream: number) =>
  Float32Array.from({ length: size }, (_, i) => 2 * uniform01(stream, i) - 1)

function reference(
  a: Float32Array,
  b: Float32Array,
  m: number,
  n: number,
  k: number,
  transposeA: boolean,
  transposeB: boolean,
) {
  return Float64Array.from({ length: m * n }, (_, i) => {
    const [row, column] = [Math.floor(i / n), i % n]
    let sum = 0
    for (let s = 0; s < k; s++)
      sum += a[transposeA ? s * m + row : row * k + s]! * b[transposeB ? column * k + s : s * n + column]!
    return sum
  })
}

const forms = [
  { transposeA: false, transposeB: false },
  { transposeA: false, transposeB: true },
  { transposeA: true, transposeB: false },
  { transposeA: true, transposeB: true },
]

describe('matmul', () => {
  for (const form of forms)
    it(`agrees with float64 as ${form.transposeA ? 'T' : 'N'}${form.transposeB ? 'T' : 'N'} for odd and even sizes, by every kernel that takes the form`, async () => {
      const device = await testDevice()
      const sizes = [
        [1, 1, 1],
        [1, 37, 5],
        [3, 2, 129],
        [5, 70, 31],
        [8, 8, 64],
        [13, 33, 7],
        [17, 5, 66],
        [64, 48, 32],
        [12, 100, 8],
        [20, 4, 36],
        [70, 1, 3],
      ] as const
      const kernels =
        form.transposeA && form.transposeB
          ? (['plain'] as const)
          : (['plain', form.transposeB ? 'dot' : 'outer'] as const)
      for (const [m, n, k] of sizes)
        for (const kernel of [
          ...kernels,
          ...(takesTiled({ m, n, k, ...form }) ? (['tiled'] as const) : []),
          undefined,
        ]) {
          const a = random(m * k, m)
          const b = random(k * n, n + 100)
          using c = device.scope(() =>
            matmul(
              device.tensor(a, { shape: form.transposeA ? [k, m] : [m, k] }),
              device.tensor(b, { shape: form.transposeB ? [n, k] : [k, n] }),
              { ...form, kernel },
            ),
          )
          expect(c.shape).toEqual([m, n])
          await expectAllClose(c, reference(a, b, m, n, k, form.transposeA, form.transposeB), {
            absolute: 2e-5,
            relative: 1e-4,
          }).catch((error: Error) => {
            throw new Error(`${kernel} ${m}×${n}×${k}: ${error.message}`)
          })
        }
    })

  it('gives a row of a linear layer the same bits whatever rows are beside it', async () => {
    const device = await testDevice()
    for (const [rows, n, k] of [
      [40, 70, 130],
      [40, 70, 132],
      [70, 72, 132],
      [20, 1024, 24],
    ] as const) {
      using x = device.tensor(random(rows * k, 1), { shape: [rows, k] })
      using w = device.tensor(random(n * k, 2), { shape: [n, k] })
      for (const kernel of [undefined, ...(k % 4 === 0 && n % 4 === 0 ? (['tiled'] as const) : [])]) {
        using together = matmul(x, w, { transposeB: true, kernel })
        const all = await together.data()
        for (let count = 1; count <= 16; count++) {
          using some = device.scope(() => matmul(slice(x, { start: 3, count }), w, { transposeB: true, kernel }))
          const same = bytes(await some.data()).equals(bytes(all.slice(3 * n, (3 + count) * n)))
          expect(same, `${count} rows, ${kernel}`).toBe(true)
        }
      }
    }
  })

  for (const form of forms.slice(0, 3))
    it(`agrees with float64 by large tiles, ${form.transposeA ? 'T' : 'N'}${form.transposeB ? 'T' : 'N'}`, async () => {
      const device = await testDevice()
      const [m, n, k] = form.transposeB ? [132, 1028, 20] : [1412, 1420, 20]
      expect(tiledPlan({ m, n, transposeB: form.transposeB }).rows).toBe(128)
      const a = random(m * k, 1)
      const b = random(k * n, 2)
      using x = device.tensor(a, { shape: form.transposeA ? [k, m] : [m, k] })
      using w = device.tensor(b, { shape: form.transposeB ? [n, k] : [k, n] })
      using c = matmul(x, w, { ...form, kernel: 'tiled' })
      await expectAllClose(c, reference(a, b, m, n, k, form.transposeA, form.transposeB), {
        absolute: 2e-5,
        relative: 1e-4,
      })
    })

  for (const transposeA of [false, true])
    it(`cut into splits over k agrees with float64 as ${transposeA ? 'T' : 'N'}N, by every kernel that can`, async () => {
      const device = await testDevice()
      for (const [m, n, k] of [
        [8, 12, 300],
        [5, 7, 61],
        [4, 4, 8],
      ] as const)
        for (const kernel of ['outer', 'tiled', undefined] as const) {
          if (kernel === 'tiled' && !takesTiled({ m, n, k, transposeA, transposeB: false })) continue
          for (const splits of [2, 3, 50]) {
            const [a, b] = [random(m * k, 21), random(k * n, 22)]
            using c = device.scope(() =>
              matmul(device.tensor(a, { shape: transposeA ? [k, m] : [m, k] }), device.tensor(b, { shape: [k, n] }), {
                transposeA,
                kernel,
                splits,
              }),
            )
            await expectAllClose(c, reference(a, b, m, n, k, transposeA, false), { absolute: 2e-5, relative: 1e-4 })
          }
        }
    })

  it('refuses splits where a row must have the same bits in any batch, and no splits at all', async () => {
    const device = await testDevice()
    using a = device.zeros([4, 8])
    expect(() => matmul(a, a, { transposeB: true, splits: 2 })).toThrow(/cannot be cut into 2 splits/)
    expect(() => matmul(a, a.reshape([8, 4]), { splits: 0 })).toThrow(/cannot be cut into 0 splits/)
  })

  it('takes leading axes of a as rows', async () => {
    const device = await testDevice()
    using a = device.tensor(random(24, 3), { shape: [2, 3, 4] })
    using b = device.tensor(random(20, 4), { shape: [4, 5] })
    using c = matmul(a, b)
    expect(c.shape).toEqual([2, 3, 5])
    await expectAllClose(
      c,
      reference((await a.data()) as Float32Array, (await b.data()) as Float32Array, 6, 5, 4, false, false),
    )
  })

  it('refuses inner dimensions that differ, and prints the shapes', async () => {
    const device = await testDevice()
    using a = device.zeros([2, 3])
    using b = device.zeros([4, 5])
    expect(() => matmul(a, b)).toThrow(/matmul: \[2, 3\] and \[4, 5\]/)
  })
})

describe('the choice of a matmul kernel', () => {
  const cpu = { subgroups: true, subgroupMinSize: 4, subgroupMaxSize: 4 }
  const gpu = { subgroups: true, subgroupMinSize: 32, subgroupMaxSize: 32 }
  const problem = { m: 512, n: 384, k: 128, transposeA: false, transposeB: false }

  it('is a function of form, shape and capabilities', () => {
    expect(selectMatmul(problem, cpu)).toEqual({ kernel: 'subgroups', rows: 16, columns: 4, lanes: 4 })
    expect(selectMatmul({ ...problem, transposeB: true }, cpu)).toMatchObject({
      kernel: 'subgroups',
      rows: 8,
      columns: 4,
    })
    expect(selectMatmul({ ...problem, n: 9 }, cpu)).toEqual({ kernel: 'outer', rows: 8, columns: 3, lanes: 4 })
    expect(selectMatmul({ ...problem, k: 127, transposeB: true }, cpu).kernel).toBe('dot')
    expect(selectMatmul({ ...problem, m: 9, transposeA: true }, cpu).kernel).toBe('outer')
    expect(selectMatmul(problem, { ...cpu, subgroupMaxSize: 8 }).kernel).toBe('outer')
    expect(selectMatmul(problem, { ...cpu, subgroups: false })).toEqual({
      kernel: 'tiled',
      rows: 64,
      columns: 64,
      lanes: 256,
    })
    for (const form of forms.slice(0, 3)) expect(selectMatmul({ ...problem, ...form }, gpu).kernel).toBe('tiled')
    expect(selectMatmul({ ...problem, m: 2048, n: 2048 }, gpu)).toMatchObject({ rows: 128, columns: 128 })
    expect(selectMatmul({ ...problem, m: 9, transposeA: true }, gpu)).toEqual({
      kernel: 'outer',
      rows: 4,
      columns: 4,
      lanes: 32,
    })
    expect(selectMatmul({ ...problem, k: 127, transposeB: true }, gpu).kernel).toBe('dot')
    expect(selectMatmul({ ...problem, transposeA: true, transposeB: true }, cpu).kernel).toBe('plain')
  })

  it('does not depend on the rows for a linear layer, and dot reads weights once for up to 8', () => {
    for (const m of [1, 5, 8, 500]) {
      expect(selectMatmul({ ...problem, m, transposeB: true }, cpu).kernel).toBe('subgroups')
      expect(selectMatmul({ ...problem, m, transposeB: true }, gpu)).toMatchObject({ kernel: 'tiled', rows: 64 })
      expect(selectMatmul({ ...problem, m, n: 1024, transposeB: true }, gpu)).toMatchObject({
        kernel: 'tiled',
        rows: 128,
      })
    }
    for (let m = 1; m <= 8; m++) {
      const { kernel, rows } = dotPlan({ m, n: 384 }, cpu)
      expect(kernel).toBe('dot')
      expect(rows).toBeGreaterThanOrEqual(m)
      expect(rows).toBeLessThan(2 * m)
    }
    expect(dotPlan({ m: 11, n: 384 }, cpu).rows).toBe(8)
  })

  it('cuts k into splits where an output has few tiles and k is long, never with transposeB', () => {
    const narrow = { m: 64, n: 64, k: 4096, transposeA: true, transposeB: false }
    const splitsOf = (problem: typeof narrow, device: typeof gpu) =>
      selectSplits(problem, selectMatmul(problem, device), device)
    expect(splitsOf(narrow, gpu)).toBe(32) // a tile, k by 128
    expect(splitsOf({ ...narrow, n: 62 }, gpu)).toBe(16) // 16 tiles of 4 × 128
    expect(splitsOf({ ...narrow, k: 256 }, gpu)).toBe(2)
    expect(splitsOf({ ...narrow, k: 100 }, gpu)).toBe(1)
    expect(splitsOf({ ...narrow, m: 1024, n: 1024 }, gpu)).toBe(1)
    expect(splitsOf({ ...narrow, transposeA: false, transposeB: true }, gpu)).toBe(1)
    expect(splitsOf({ ...narrow, m: 16, n: 16 }, cpu)).toBe(1)
  })

  it('of tiles of a linear layer goes by the registers of four lanes and by what unpacking costs', () => {
    const tile = (problem: { k: number; packed?: boolean }, device = cpu) => {
      const { rows, columns } = selectLinear({ m: 16, n: 384, ...problem }, device)
      return `${rows} × ${columns}`
    }
    expect(tile({ k: 64 })).toBe('8 × 6')
    expect(tile({ k: 64, packed: true })).toBe('8 × 4')
    expect(tile({ k: 384, packed: true })).toBe('16 × 8')
    const wideCpu = { ...cpu, subgroupMinSize: 8, subgroupMaxSize: 8 }
    for (const packed of [false, true]) expect(tile({ k: 64, packed }, wideCpu)).toBe('16 × 4')
  })

  it('of a linear layer is a matter of the weights and the device; its tiles hold up to 16 rows', () => {
    const wideCpu = { subgroups: true, subgroupMinSize: 8, subgroupMaxSize: 8 }
    for (let m = 1; m <= 40; m++)
      for (const inSpans of [false, true]) {
        const { kernel, rows } = selectLinear({ m, n: 384, k: 64, inSpans }, wideCpu)
        expect(kernel).toBe(inSpans ? 'spans' : 'subgroups')
        expect(rows).toBeGreaterThanOrEqual(Math.min(m, 16))
        expect(rows).toBeLessThan(2 * m)
      }
    expect(selectLinear({ m: 4, n: 384, k: 64, inSpans: true }, cpu).kernel).toBe('subgroups')
    expect(selectLinear({ m: 4, n: 384, k: 64, inSpans: true }, gpu).kernel).toBe('skinny')
    expect(selectLinear({ m: 4, n: 384, k: 64, inSpans: true }, { ...cpu, subgroups: false }).kernel).toBe('dot')
    expect(() => selectLinear({ m: 4, n: 384, k: 64 }, cpu, 'spans')).toThrow(/does not take this form/)
    expect(selectLinear({ m: 4, n: 384, k: 66 }, cpu).kernel).toBe('dot')
    expect(selectLinear({ m: 4, n: 384, k: 64 }, gpu).kernel).toBe('skinny')
    expect(selectLinear({ m: 32, n: 384, k: 64 }, gpu).kernel).toBe('tiled')
    expect(selectLinear({ m: 32, n: 384, k: 64, sequenceRows: 8 }, gpu, undefined, 'tiled32x64').kernel).toBe('skinny')
    expect(selectLinear({ m: 4, n: 384, k: 64 }, { ...cpu, subgroups: false }).kernel).toBe('dot')
    expect(() => selectLinear({ m: 4, n: 384, k: 66 }, cpu, 'subgroups')).toThrow(/does not take this form/)
  })
})
