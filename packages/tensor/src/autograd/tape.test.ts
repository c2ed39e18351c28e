import { describe, expect, it } from 'vitest'
import type { Device } from '../device/device'
import { add, exp, multiply, rmsNorm, silu, sum } from '../operations/index'
import type { Tensor } from '../tensor'
import { testDevice } from '../testing'
import { differentiable } from './tape'
import { valueAndGradient } from './value-and-gradient'

/** 3 x, by way of a tensor that the gradient reads and nobody else. */
function tripled(x: Tensor, seen: Tensor[]): Tensor {
  const three = x.device.full(x.shape, 3)
  seen.push(three)
  return differentiable(multiply(x, 3), {
    name: 'tripled',
    inputs: [x],
    saved: [three],
    gradient: (dy) => [() => multiply(dy, three)],
  })
}

describe('what an operation saves for its gradient', () => {
  it('is freed at once where nothing is recorded, or nothing of its inputs is', async () => {
    const device = await testDevice()
    const seen: Tensor[] = []
    using x = device.tensor([1, 2])
    using _y = tripled(x, seen)
    expect(seen[0]!.disposed).toBe(true)
    using w = device.tensor([1, 2])
    const { value, gradients } = valueAndGradient(w, (w) => sum(multiply(w, tripled(x, seen))))
    expect(seen[1]!.disposed).toBe(true)
    value.dispose()
    gradients.dispose()
  })

  it('is there for the gradient, and freed as soon as that is computed', async () => {
    const device = await testDevice()
    const seen: Tensor[] = []
    using x = device.tensor([1, 2])
    let laterStillHeld: boolean | undefined
    const watched = (y: Tensor) =>
      differentiable(multiply(y, 1), {
        name: 'watched',
        inputs: [y],
        gradient: (dy) => [
          () => {
            laterStillHeld = !seen[1]!.disposed
            return multiply(dy, 1)
          },
        ],
      })
    const { value, gradients } = valueAndGradient(x, (x) => sum(tripled(watched(tripled(x, seen)), seen)))
    expect(laterStillHeld).toBe(false)
    expect(seen.every(({ disposed }) => disposed)).toBe(true)
    expect(await gradients.toArray()).toEqual([9, 9])
    value.dispose()
    gradients.dispose()
  })
})

describe('a scope, while gradients are recorded,', () => {
  const layer = (x: Tensor, weight: Tensor) => add(silu(rmsNorm(x, weight)), exp(multiply(x, 0.5)))
  const run = (device: Device, fn: (x: Tensor, weight: Tensor) => Tensor) =>
    device.scope(() => {
      const parameters = [device.tensor([[1, -2, 3, 0.5]]), device.tensor([1, 2, 3, 4])]
      return valueAndGradient(parameters, ([x, weight]) => sum(fn(x!, weight!)))
    })

  it('keeps what the gradients read, so that they are what they are without it', async () => {
    const device = await testDevice()
    const { liveBytes } = device.memory
    const plain = run(device, layer)
    const scoped = run(device, (x, weight) => device.scope(() => layer(x, weight)))
    for (const [i, gradient] of scoped.gradients.entries())
      expect(await gradient.data()).toEqual(await plain.gradients[i]!.data())
    for (const { value, gradients } of [plain, scoped]) for (const tensor of [value, ...gradients]) tensor.dispose()
    expect(device.memory.liveBytes).toBe(liveBytes)
  })

  it('frees what they do not', async () => {
    const device = await testDevice()
    let freed = false
    const { value, gradients } = run(device, (x, weight) => {
      let constant: Tensor | undefined
      const y = device.scope(() => {
        constant = exp(device.tensor([1, 2, 3]))
        return layer(x, weight)
      })
      freed = constant!.disposed
      return y
    })
    for (const tensor of [value, ...gradients]) tensor.dispose()
    expect(freed).toBe(true)
  })
})
