import { describe, expect, it } from 'vitest'
import { matmul, multiply, sigmoid, sum } from '../operations/index'
import { uniform01 } from '../random/philox'
import type { Tensor } from '../tensor'
import { testDevice } from '../testing'
import { activationCheckpoint } from './activation-checkpoint'
import { valueAndGradient } from './value-and-gradient'

const random = (size: number, stream: number) =>
  Float32Array.from({ length: size }, (_, i) => 2 * uniform01(stream, i) - 1)

describe('activationCheckpoint', () => {
  it('gives the bits of the function and of its gradients, in inputs that are used twice or not at all', async () => {
    const device = await testDevice()
    // Enough numbers that, wherever sums are rounded, another order of three summands shows.
    using x = device.tensor(random(64, 1), { shape: [8, 8] })
    using constant = device.tensor(random(64, 2), { shape: [8, 8] })
    using w = device.tensor(random(64, 3), { shape: [8, 8] })
    using unused = device.tensor([7, 8])
    const layer = ({ x, w, constant }: Record<'x' | 'w' | 'constant' | 'unused', Tensor>) =>
      multiply(sigmoid(matmul(multiply(x, constant), w)), x)
    const run = async (checkpointed: boolean) => {
      const before = device.memory.liveBytes
      const { value, gradients } = valueAndGradient({ x, w, unused }, (p) => {
        const inputs = { ...p, constant }
        const once = checkpointed ? activationCheckpoint(inputs, layer) : layer(inputs)
        return sum(
          multiply(
            checkpointed ? activationCheckpoint({ ...inputs, x: once }, layer) : layer({ ...inputs, x: once }),
            p.x,
          ),
        )
      })
      const result = [await value.item(), ...(await Promise.all(Object.values(gradients).map((g) => g.toArray())))]
      for (const tensor of [value, ...Object.values(gradients)]) tensor.dispose()
      expect(device.memory.liveBytes).toBe(before)
      return result
    }
    const plain = await run(false)
    expect(plain[3]).toEqual([0, 0])
    expect(await run(true)).toEqual(plain)
  })

  it('is the function itself where nothing is differentiated', async () => {
    const device = await testDevice()
    using x = device.tensor([1, 2])
    using y = activationCheckpoint({ x }, ({ x }) => multiply(x, 3))
    expect(await y.toArray()).toEqual([3, 6])
  })
})
