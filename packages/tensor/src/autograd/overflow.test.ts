import { describe, expect, it } from 'vitest'
import { add, multiply } from '../operations/pointwise/binary'
import { cast } from '../operations/pointwise/cast'
import { sum } from '../operations/reduce/sum'
import type { Tensor } from '../tensor'
import { testDevice } from '../testing'
import { activationCheckpoint } from './activation-checkpoint'
import { valueAndGradient } from './value-and-gradient'

/** Whether what `fn` computes of f16 numbers, or its gradient, has overflowed. */
async function overflows(numbers: readonly number[], fn: (x: Tensor) => Tensor): Promise<boolean> {
  const device = await testDevice()
  using overflow = device.zeros([1], 'u32')
  using x = device.tensor(numbers, { dtype: 'f16' })
  const { value, gradients } = valueAndGradient({ x }, ({ x }) => sum(cast(fn(x), 'f32')), { overflow })
  value.dispose()
  gradients.x.dispose()
  return (await overflow.item()) === 1
}

describe('overflow of f16', () => {
  it('is rounding to the largest number there is, where a driver would choose', async () => {
    const device = await testDevice()
    using x = device.tensor([1e6, -1e6, 65504, 65503, 3.4e38])
    using y = cast(x, 'f16')
    expect(await y.toArray()).toEqual([65504, -65504, 65504, 65504, 65504])
  })

  it('is seen in a value, of either sign, wherever in the tensor it is, and not where all fit', async () => {
    for (const [size, places] of [
      [13, [0, 1, 4, 7, 8, 11, 12]],
      [16, [0, 15]],
      [9001, [0, 511, 512, 4095, 4096, 8191, 8192, 9000]],
    ] as const)
      for (const at of places) {
        const numbers: number[] = Array.from({ length: size }, (_, i) => (i === at ? -300 : 200))
        expect(await overflows(numbers, (x) => multiply(x, 250)), `at ${at} of ${size}`).toBe(true)
        numbers[at] = -250
        expect(await overflows(numbers, (x) => multiply(x, 250)), `nowhere in ${size}`).toBe(false)
      }
  })

  it('is seen in a gradient, though the value is small', async () => {
    const steep = (slope: number) => (x: Tensor) => multiply(cast(multiply(x, 1), 'f32'), slope)
    expect(await overflows([0.1, 0.2], steep(60_000))).toBe(false)
    expect(await overflows([0.1, 0.2], steep(70_000))).toBe(true)
  })

  it('is seen in one part of a gradient that another part brings back into range', async () => {
    const parts = (a: number, b: number) => (x: Tensor) => {
      const y = multiply(x, 1)
      return add(multiply(cast(y, 'f32'), a), multiply(cast(y, 'f32'), b))
    }
    expect(await overflows([0.1], parts(60_000, -50_000))).toBe(false)
    expect(await overflows([0.1], parts(70_000, -50_000))).toBe(true)
    expect(await overflows([0.1], parts(40_000, 50_000))).toBe(true)
  })

  it('is seen inside what is computed again for its gradient', async () => {
    const square = ({ x }: { x: Tensor }) => multiply(multiply(x, x), 0.5)
    expect(await overflows([300], (x) => activationCheckpoint({ x }, square))).toBe(true)
    expect(await overflows([200], (x) => activationCheckpoint({ x }, square))).toBe(false)
  })

  it('does not read what lies behind the last element', async () => {
    const device = await testDevice()
    // Memory of this size is taken again, with what was in it.
    device.tensor(new Array(8).fill(65504), { dtype: 'f16' }).dispose()
    expect(await overflows([1, 2, 3], (x) => multiply(x, 2))).toBe(false)
  })
})
