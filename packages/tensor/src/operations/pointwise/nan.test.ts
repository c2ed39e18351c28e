import { describe, expect, it } from 'vitest'
import { testDevice } from '../../testing'
import { add, divide, maximum, minimum, multiply, subtract } from './binary'
import { geglu, swiglu } from './gated'
import { abs, exp, log, negate, relu, sigmoid, silu, sqrt, square, tanh } from './unary'

const unary = { negate, exp, log, sqrt, square, abs, sigmoid, tanh, relu, silu }
const binary = { add, subtract, multiply, divide, maximum, minimum, swiglu, geglu }

describe('NaN', () => {
  it('is not a finite number after any function of it, and the elements beside it are theirs', async () => {
    const device = await testDevice()
    const read = async (of: typeof log, values: number[]) => {
      using y = device.scope(() => of(device.tensor(values)))
      return [...((await y.data()) as Float32Array)]
    }
    for (const [name, of] of Object.entries(unary)) {
      const sound = await read(of, [0.5, 2, 3, 1, 0.25])
      const found = await read(of, [0.5, Number.NaN, 3, 1, Number.NaN])
      for (const [i, value] of found.entries())
        if (i === 1 || i === 4) expect(Number.isFinite(value), name).toBe(false)
        else expect(value, name).toBe(sound[i])
    }
  })

  it('is not lost in a function of two, on either side', async () => {
    const device = await testDevice()
    for (const [name, of] of Object.entries(binary))
      for (const [a, b] of [
        [Number.NaN, 1],
        [1, Number.NaN],
        [Number.NaN, Number.NaN],
      ]) {
        using y = device.scope(() => of(device.tensor([0, a!]), device.tensor([1, b!])))
        expect((await y.data())[1], `${name}(${a}, ${b})`).toBeNaN()
      }
  })

  it('is the logarithm of what is below 0', async () => {
    const device = await testDevice()
    using y = device.scope(() => log(device.tensor([-1, 1, -1e-30, Math.E])))
    const values = (await y.data()) as Float32Array
    expect([...values].map((value) => Number.isNaN(value))).toEqual([true, false, true, false])
  })
})
