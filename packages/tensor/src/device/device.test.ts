import { describe, expect, it } from 'vitest'
import { valueAndGradient } from '../autograd/value-and-gradient'
import { defineKernel } from '../kernel/index'
import { add, cast, multiply, square, sum } from '../operations'
import { testDevice } from '../testing'

describe('a device', () => {
  it('gives back what it was given, in every dtype', async () => {
    const device = await testDevice()
    using f32 = device.tensor([
      [1, 2],
      [3, 4.5],
    ])
    using u32 = device.tensor(Uint32Array.of(1, 4294967295))
    using i32 = device.tensor(Int32Array.of(-7))
    using f16 = device.tensor([1.5, -2, 65504], { dtype: 'f16' })
    expect(await f32.toArray()).toEqual([
      [1, 2],
      [3, 4.5],
    ])
    expect([...(await u32.data())]).toEqual([1, 4294967295])
    expect(await i32.item()).toBe(-7)
    expect(await f16.toArray()).toEqual([1.5, -2, 65504])
    using widened = cast(f16, 'f32')
    expect(await widened.toArray()).toEqual([1.5, -2, 65504])
  })

  it('keeps uploads in order with the operations around them', async () => {
    const device = await testDevice()
    for (const size of [3, 100_000]) {
      using x = device.full([size], 1)
      using first = add(x, 1)
      x.write(new Float32Array(size).fill(5))
      using second = add(x, 1)
      expect((await first.data())[size - 1]).toBe(2)
      expect((await second.data())[size - 1]).toBe(6)
    }
  })

  it('frees what a scope does not return', async () => {
    const device = await testDevice()
    const before = device.memory.liveBytes
    const kept = device.scope(() => {
      const x = device.full([64], 2)
      const unused = multiply(x, 3)
      expect(unused.disposed).toBe(false)
      return { result: square(x) }
    })
    expect(device.memory.liveBytes - before).toBe(256)
    expect((await kept.result.data())[0]).toBe(4)
    kept.result.dispose()
    expect(device.memory.liveBytes).toBe(before)
  })

  it('frees everything but the value and the gradients', async () => {
    const device = await testDevice()
    using w = device.tensor([
      [1, 2],
      [3, 4],
    ])
    const before = device.memory.liveBuffers
    const { value, gradients } = valueAndGradient({ w }, ({ w }) => sum(square(multiply(add(w, 1), w))))
    expect(device.memory.liveBuffers - before).toBe(2)
    expect(await value.item()).toBe(2 ** 2 + 6 ** 2 + 12 ** 2 + 20 ** 2)
    expect(await gradients.w.toArray()).toEqual([
      [2 * 2 * 3, 2 * 6 * 5],
      [2 * 12 * 7, 2 * 20 * 9],
    ])
    value.dispose()
    gradients.w.dispose()
    expect(device.memory.liveBuffers).toBe(before)
  })

  it('names the kernel and the line when WGSL does not compile, and works on', async () => {
    const device = await testDevice()
    const broken = defineKernel({
      name: 'broken',
      source:
        '@group(0) @binding(0) var<storage, read_write> y: array<f32>;\n@compute @workgroup_size(1) fn main() { y[0] = nothing; }',
    })
    using y = device.zeros([4])
    device.run(broken, { bindings: { y }, workgroups: [1] })
    await expect(y.data()).rejects.toThrow(/Kernel broken does not compile.*line 2.*nothing/s)
    expect(() => device.run(broken, { bindings: { y }, workgroups: [1] })).toThrow(/broken/)
    using z = device.full([2], 3)
    expect(await z.toArray()).toEqual([3, 3])
  })

  it('times kernels, in Node to less than the 65.5 µs that Dawn rounds to', async () => {
    const device = await testDevice()
    using x = device.full([100_000], 2)
    const { kernels } = await device.profile(() => {
      using y = square(x)
      return y.shape
    })
    expect(kernels.map(({ name }) => name)).toEqual(['unary'])
    expect(kernels[0]!.microseconds).toBeGreaterThan(0)
    expect((kernels[0]!.microseconds * 1000) % 65_536).not.toBe(0)
  })

  it('refuses a tensor that has been disposed of', async () => {
    const device = await testDevice()
    const x = device.zeros([2])
    x.dispose()
    expect(() => square(x)).toThrow(/used after it was disposed/)
  })
})
