import { nodeAdapter } from '@outrider/tensor/node'
import { describe, expect, it } from 'vitest'
import { createDevice } from '../device/create-device'
import { matmul } from '../operations/matmul/matmul'
import { type MatmulProblem, selectMatmul, takesMatmul, tileNameOf } from '../operations/matmul/select'
import { add } from '../operations/pointwise/binary'
import { uniform01 } from '../random/philox'
import { expectAllClose, testDevice } from '../testing'
import { KernelChoices, matmulCandidates, takesChoice } from './kernel-choices'
import { type MatmulCandidate, tuneMatmul } from './tune-matmul'

const random = (size: number, stream: number) =>
  Float32Array.from({ length: size }, (_, i) => 2 * uniform01(stream, i) - 1)

const [n, k, rows] = [36, 32, 20]
const keys = ['matmul NT 36x32 f32', 'matmul NN 36x32 f32', 'matmul TN 36x32 f32']

const by =
  (kernel: MatmulCandidate['name']) =>
  ({ transposeA, transposeB }: MatmulProblem): MatmulCandidate['run'] =>
  (a, b) =>
    matmul(a, b, { transposeA, transposeB, kernel, dtype: 'f32' })

const right =
  (name: MatmulCandidate['name']) =>
  (problem: MatmulProblem): MatmulCandidate => ({ name, run: by('plain')(problem) })

/** As `right`, but for the last element, which is off by a product. */
const wrong =
  (name: MatmulCandidate['name']) =>
  (problem: MatmulProblem): MatmulCandidate => ({
    name,
    run: (a, b) =>
      a.device.scope(() => {
        const y = right(name)(problem).run(a, b)
        const error = new Float32Array(y.size)
        error[y.size - 1] = 0.2
        return add(y, a.device.tensor(error, { shape: y.shape }))
      }),
  })

describe('tuning of the products of training', () => {
  it('times kernels that take a form, finds them right in all three, and chooses for the weights whatever the rows', async () => {
    const device = await testDevice()
    const before = device.memory.liveBytes
    // All of them are compared with float64 beside `matmul`; here one of each form is compiled beside the plain one.
    const candidatesFor = (problem: MatmulProblem) =>
      (['dot', 'outer', 'tiled64x64'] as const)
        .filter((kernel) => takesMatmul(kernel, problem, device.capabilities))
        .map((kernel) => ({ name: kernel, run: by(kernel === 'tiled64x64' ? 'plain' : kernel)(problem) }))
    const tuning = await tuneMatmul(
      device,
      [
        { n, k },
        { n, k },
      ],
      { rows, budget: 300_000, candidatesFor },
    )
    expect(tuning.weights.map(({ key }) => key)).toEqual(keys)
    for (const { key, milliseconds, wrong, standard, chosen } of tuning.weights) {
      expect(wrong, key).toEqual([])
      expect(Object.keys(milliseconds)).toEqual([key.includes('NT') ? 'dot' : 'outer', 'tiled64x64'])
      if (chosen === standard) expect(tuning.kernels).not.toHaveProperty([key])
      else expect(milliseconds[chosen]).toBe(Math.min(...Object.values(milliseconds)))
    }
    expect(device.memory.liveBytes).toBe(before)
  })

  it('sets a kernel aside that is wrong in one element, in every form, the default included', async () => {
    const device = await testDevice()
    const candidatesFor = (problem: MatmulProblem) => [
      right('tiled64x64')(problem),
      wrong('tiled128x64')(problem),
      right('tiled128x128')(problem),
    ]
    const { weights } = await tuneMatmul(device, [{ n, k }], { rows, budget: 600_000, candidatesFor })
    expect(weights.map(({ wrong }) => wrong)).toEqual([['tiled128x64'], ['tiled128x64'], ['tiled128x64']])
    const all = tuneMatmul(device, [{ n, k }], { rows, candidatesFor: (p) => [wrong('outer')(p)] })
    await expect(all).rejects.toMatchObject({ code: 'KERNEL', message: expect.stringContaining(keys[0]!) })
  })

  it('times halves where the device has them, and no operand that training could not hold', async () => {
    const device = await testDevice()
    const some = [{ n: 8, k: 8, dtype: 'f16', gradient: 'f32' }] as const
    const candidatesFor = (problem: MatmulProblem) => [right('outer')(problem)]
    const f16 = tuneMatmul(device, some, { rows: 8, budget: 300_000, candidatesFor })
    if (device.capabilities.shaderF16)
      expect((await f16).weights.map(({ key, wrong }) => [key, wrong])).toEqual([
        ['matmul NT 8x8 f16', []],
        ['matmul NN 8x8 f32*f16', []],
        ['matmul TN 8x8 f32*f16', []],
      ])
    else await expect(f16).rejects.toThrow(/shader-f16/)
    const huge = { n: 2 ** 16, k: device.capabilities.maxBindingBytes / 2 ** 17 }
    expect((await tuneMatmul(device, [huge])).notReached).toEqual([])
  })
})

describe('a tuned product', () => {
  it('runs by the choice, whose row has the same bits in any batch, and falls back where the choice takes no such rows', async () => {
    using device = await createDevice({ adapter: nodeAdapter() }) // what ran on the tests' one keeps its kernels
    device.kernels.use({ [keys[0]!]: 'dot', [keys[1]!]: 'outer', [keys[2]!]: 'outer' })
    const [x, w, dy] = [random(rows * k, 1), random(n * k, 2), random(rows * n, 3)]
    const run = (count: number) =>
      device.scope(() => {
        const of = (values: Float32Array<ArrayBuffer>, shape: [number, number]) =>
          device.tensor(values.subarray(0, shape[0] * shape[1]), { shape })
        const [left, weight, gradient] = [of(x, [count, k]), of(w, [n, k]), of(dy, [count, n])]
        return {
          y: matmul(left, weight, { transposeB: true }),
          asChosen: matmul(left, weight, { transposeB: true, kernel: 'dot' }),
          dw: matmul(gradient, left, { transposeA: true }),
        }
      })
    const all = run(rows)
    const y = await all.y.data()
    expect(y).toEqual(await all.asChosen.data())
    for (const count of [3]) expect(await run(count).y.data(), `${count}`).toEqual(y.slice(0, count * n))
    const dw = Float64Array.from({ length: n * k }, (_, at) => {
      let sum = 0
      for (let r = 0; r < rows; r++) sum += dy[r * n + Math.floor(at / k)]! * x[r * k + (at % k)]!
      return sum
    })
    await expectAllClose(all.dw, dw, { absolute: 2e-5, relative: 1e-4 })
    // A choice that takes no columns that are no fours.
    device.kernels.use({ 'matmul TN 6x7 f32': 'subgroups' })
    using some = device.scope(() => matmul(device.full([3, 6], 2), device.full([3, 7], 1), { transposeA: true }))
    expect(await some.data()).toEqual(new Float32Array(42).fill(6))
  })

  it('is chosen by form and weights, once', () => {
    const choices = new KernelChoices()
    const nt = { m: 512, n, k, transposeA: false, transposeB: true }
    expect(choices.matmul(nt, 'f32', 'f32')).toBeUndefined()
    choices.use(Object.fromEntries(keys.map((key) => [key, 'tiled128x64'])))
    expect(choices.matmul({ ...nt, m: 9 }, 'f32', 'f32')).toBeUndefined()
    expect(choices.matmul({ m: 512, n: k, k: n, transposeA: false, transposeB: false }, 'f32', 'f32')).toBe(
      'tiled128x64',
    )
    expect(choices.matmul({ m: n, n: k, k: 99, transposeA: true, transposeB: false }, 'f32', 'f32')).toBe('tiled128x64')
    expect(choices.matmul({ m: n, n: k, k: 99, transposeA: true, transposeB: false }, 'f16', 'f16')).toBeUndefined()
  })

  it('is known by name where a device has the kernel', async () => {
    const { capabilities } = await testDevice()
    const takes = (key: string, name: string) => takesChoice(key, name, capabilities)
    for (const key of keys) expect(takes(key, 'tiled128x128'), key).toBe(true)
    expect(['NT', 'NN', 'TN'].map((form) => takes(`matmul ${form} 36x30 f16*f32`, 'tiled64x64'))).toEqual([
      ...[false, false, false], // neither vectors along 30, nor of them
    ])
    expect(takes('matmul NN 36x32 f32', 'dot')).toBe(false)
    expect(takes('matmul NT 36x32 f32', 'outer')).toBe(false)
    expect(takes('linear 36x32 f32', 'tiled128x128')).toBe(false)
    for (const name of ['plain', 'spans', 'constructor']) expect(takes(keys[0]!, name)).toBe(false)
    for (const key of ['matmul 36x32 f32', 'matmul NT 36x32', 'attention 36x32 f32'])
      expect(takes(key, 'dot')).toBe(false)
  })

  it('has the default’s own name for every plan', () => {
    const gpu = { subgroups: true, subgroupMinSize: 32, subgroupMaxSize: 32 }
    for (const m of [64, 4096])
      for (const transposeA of [false, true])
        for (const transposeB of [false, true]) {
          const problem = { m, n: 4096, k: 512, transposeA, transposeB }
          const name = tileNameOf(selectMatmul(problem, gpu))
          expect(takesMatmul(name, problem, gpu)).toBe(true)
          if (name !== 'plain') expect(matmulCandidates).toContain(name)
        }
    const uneven = { m: 64, n: 30, k: 64, transposeA: false, transposeB: true }
    expect(takesMatmul('tiled128x64x2', uneven, gpu)).toBe(false)
    expect(takesMatmul('tiled128x64x2', uneven, { ...gpu, maxWorkgroupBytes: 32_768 })).toBe(true)
  })
})
