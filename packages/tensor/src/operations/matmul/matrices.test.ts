import { afterAll, describe, expect, it } from 'vitest'
import { type MatrixUnit, matrixUnitsOf } from '../../device/matrix-units'
import { defineKernel, elements, linearWorkgroups } from '../../kernel/index'
import { uniform01 } from '../../random/philox'
import { expectAllClose, likeGpu, testDevice } from '../../testing'
import { emulated, emulatedLanes } from './emulated-units.fixture'
import { matmul } from './matmul'
import { matricesSource } from './matrices-source'
import { matricesPlan, selectMatmul } from './select'

const gpu = likeGpu()
afterAll(async () => (await gpu).dispose())

const unit = (component: MatrixUnit['component'], m: number, n: number, k: number): MatrixUnit => ({
  ...{ component, m, n, k },
  layout: component === 'f16' ? 'template' : 'argument',
})
/** Those of NVIDIA, Intel and Apple, and two of no maker: all sides unlike, and so large that the text is short. */
const [nvidia, intel, apple] = [unit('f16', 16, 16, 16), unit('f16', 8, 16, 16), unit('f32', 8, 8, 8)]
const [wide, tall] = [unit('f16', 8, 32, 16), unit('f32', 32, 8, 16)]

/** Numbers that f16 has. */
const random = (size: number, stream: number) =>
  Float32Array.from({ length: size }, (_, i) => Math.round(64 * (2 * uniform01(stream, i) - 1)) / 64)

describe('products by matrix units', () => {
  it.each([
    ['NN', nvidia, { transposeA: false, transposeB: false, splits: 3 }],
    ['NT', wide, { transposeA: false, transposeB: true, splits: 1 }],
    ['TN', tall, { transposeA: true, transposeB: false, splits: 2 }],
  ] as const)('as %s agree with float64, their arithmetic done by lanes for each subgroup', async (_, unit, form) => {
    const device = await gpu
    const { transposeA, transposeB, splits } = form
    const [m, n, k, side] = [72, 132, 52, 64] as const // more than a tile either way, the last steps of k not whole
    const [a, b] = [random(m * k, 1), random(k * n, 2)]
    const kernel = defineKernel({
      name: 'emulatedMatrices',
      source: emulated(matricesSource({ side, lanes: emulatedLanes, unit, transposeA, transposeB })),
      uses: [elements({ a: 4, b: 4, c: 4 })],
    })
    const [tilesAcross, tiles] = [Math.ceil(n / side), Math.ceil(n / side) * Math.ceil(m / side)]
    using x = device.tensor(a)
    using y = device.tensor(b)
    using parts = device.full([splits, m, n], 7)
    device.run(kernel, {
      bindings: { a: x, b: y, c: parts },
      params: { m, n, k, tilesAcross, tiles, splits, span: Math.ceil(k / splits / 4) * 4, splitSize: (m * n) / 4 },
      workgroups: linearWorkgroups(tiles * splits),
    })
    const given = await parts.data()
    const sums = Float64Array.from({ length: m * n }, (_, at) => {
      let sum = 0
      for (let split = 0; split < splits; split++) sum += given[split * m * n + at]!
      return sum
    })
    using sum = device.tensor(Float32Array.from(sums))
    await expectAllClose(
      sum,
      Float64Array.from({ length: m * n }, (_, at) => {
        const [r, c] = [Math.floor(at / n), at % n]
        let sum = 0
        for (let s = 0; s < k; s++)
          sum += a[transposeA ? s * m + r : r * k + s]! * b[transposeB ? c * k + s : s * n + c]!
        return sum
      }),
      { absolute: 2e-5, relative: 1e-4 },
    )
  })

  it('are chosen for f16 where the subgroups of a GPU have them, whatever the number of rows', () => {
    const device = { subgroups: true, subgroupMinSize: 32, subgroupMaxSize: 32, matrixUnits: [intel, apple, nvidia] }
    const problem = { m: 512, n: 512, k: 512, transposeA: false, transposeB: true, halves: true }
    expect(selectMatmul(problem, device)).toEqual({
      kernel: 'matrices',
      rows: 64,
      columns: 64,
      lanes: 128,
      unit: nvidia,
    })
    expect(selectMatmul({ ...problem, m: 1 }, device)).toEqual(selectMatmul(problem, device))
    expect(selectMatmul({ ...problem, n: 4096 }, device)).toMatchObject({ kernel: 'matrices', rows: 128 })
    expect(selectMatmul({ ...problem, halves: false }, device).kernel).toBe('tiled')
    expect(selectMatmul({ ...problem, n: 510 }, device).kernel).toBe('tiled')
    expect(selectMatmul(problem, { ...device, subgroupMinSize: 8 }).kernel).toBe('tiled')
    expect(selectMatmul(problem, { ...device, matrixUnits: [apple] }).kernel).toBe('tiled')
    // By name, numbers of f32 go through units of f32 alone: nothing is rounded.
    expect(matricesPlan({ ...problem, halves: false }, device)?.unit).toBe(apple)
    expect(matricesPlan(problem, { ...device, matrixUnits: [unit('f16', 16, 16, 64)] })).toBeUndefined()
  })

  it('are refused by name where there are none', async () => {
    const device = await testDevice()
    if (device.capabilities.matrixUnits) return
    using x = device.zeros([64, 64])
    expect(() => matmul(x, x, { kernel: 'matrices' })).toThrow('kernel matrices does not take this form here')
  })

  it('are what an adapter lists with sums of f32, of factors that the device has, in WGSL that it takes', async () => {
    const config = (componentType: string, resultComponentType: string, size: number) => ({
      ...{ componentType, resultComponentType, M: size, N: size, K: size },
    })
    const info = {
      subgroupMatrixConfigs: [config('f16', 'f16', 8), config('f16', 'f32', 16), config('f32', 'f32', 8)],
    } as unknown as GPUAdapterInfo
    const like = (features: readonly string[], takes: (code: string) => boolean, makes = true) =>
      ({
        features: new Set(features),
        pushErrorScope() {},
        popErrorScope: async () => null,
        createShaderModule: ({ code }: { code: string }) => ({
          getCompilationInfo: async () => ({ messages: takes(code) ? [{ type: 'warning' }] : [{ type: 'error' }] }),
        }),
        createComputePipelineAsync: () => (makes ? Promise.resolve() : Promise.reject(new Error('no memory model'))),
      }) as unknown as GPUDevice
    const features = ['shader-f16', 'chromium-experimental-subgroup-matrix']
    const sizes = async (device: GPUDevice) =>
      (await matrixUnitsOf(device, info)).map(({ component, m, layout }) => [component, m, layout])
    expect(await sizes(like(features, () => true))).toEqual([
      ['f16', 16, 'template'],
      ['f32', 8, 'template'],
    ])
    expect(await sizes(like(features, (code) => !code.includes('row_major')))).toEqual([
      ['f16', 16, 'argument'],
      ['f32', 8, 'argument'],
    ])
    expect(await sizes(like(features.slice(1), () => true))).toEqual([['f32', 8, 'template']])
    expect(await sizes(like(features, () => false))).toEqual([])
    expect(await sizes(like(features, () => true, false))).toEqual([])
    expect(await sizes(like(['shader-f16'], () => true))).toEqual([])
  })
})
