import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { AdamW } from './adamw'
import { gradientNorm } from './gradient-norm'

describe('AdamW', () => {
  it('follows the float64 formulas over several steps, with clipping, and does not decay vectors', async () => {
    const device = await testDevice()
    const shapes: Record<string, number[]> = { matrix: [3, 5], norm: [6] }
    const start = (name: string) =>
      Float32Array.from({ length: name === 'matrix' ? 15 : 6 }, (_, i) => Math.sin(i + name.length))
    const parameters = Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => [name, device.tensor(start(name), { shape })]),
    )
    const options = { beta1: 0.9, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.1 }
    const optimizer = new AdamW(parameters, options)
    const reference = Object.fromEntries(
      Object.keys(shapes).map((name) => [
        name,
        { w: Float64Array.from(start(name)), m: new Float64Array(15), v: new Float64Array(15) },
      ]),
    )
    for (let step = 1; step <= 3; step++) {
      const gradient = (name: string) =>
        Float32Array.from({ length: start(name).length }, (_, i) => Math.cos(i * step) * step)
      const gradients = Object.fromEntries(
        Object.entries(shapes).map(([name, shape]) => [name, device.tensor(gradient(name), { shape })]),
      )
      const { norm, faults } = gradientNorm(Object.values(gradients))
      const exact = Math.hypot(...gradient('matrix'), ...gradient('norm'))
      await expectAllClose(norm, [exact], { relative: 1e-5 })
      optimizer.update(gradients, norm, 0.01, 2)
      const clip = Math.min(1, 2 / exact)
      for (const [name, { w, m, v }] of Object.entries(reference))
        for (let i = 0; i < w.length; i++) {
          const g = gradient(name)[i]! * clip
          m[i] = 0.9 * m[i]! + 0.1 * g
          v[i] = 0.99 * v[i]! + 0.01 * g * g
          const update = m[i]! / (1 - 0.9 ** step) / (Math.sqrt(v[i]! / (1 - 0.99 ** step)) + 1e-6)
          w[i]! -= 0.01 * (update + (name === 'matrix' ? 0.1 : 0) * w[i]!)
        }
      for (const tensor of [norm, faults, ...Object.values(gradients)]) tensor.dispose()
    }
    for (const [name, { w }] of Object.entries(reference))
      await expectAllClose(parameters[name]!, w, { relative: 1e-5 })
    expect(optimizer.step).toBe(3)
    optimizer.dispose()
    for (const tensor of Object.values(parameters)) tensor.dispose()
  })

  it('takes the gradients of a scaled loss for those of the loss, to the bit, clipped or not', async () => {
    const device = await testDevice()
    const moved = async (scale: number, maxNorm: number) => {
      const parameters = { w: device.tensor([[0.5, -1, 2, 0.25, 3]]) }
      using optimizer = new AdamW(parameters, { epsilon: 0.1 }) // large: Adam alone hides a factor
      for (let step = 0; step < 3; step++)
        device.scope(() => {
          const gradient = Array.from({ length: 5 }, (_, i) => scale * Math.fround(Math.sin(i + step)))
          const w = device.tensor([gradient])
          optimizer.update({ w }, gradientNorm([w]).norm, 0.01, maxNorm, scale)
        })
      const values = await parameters.w.data()
      parameters.w.dispose()
      return values
    }
    for (const maxNorm of [0, 0.5]) expect(await moved(4096, maxNorm)).toEqual(await moved(1, maxNorm))
    expect(await moved(1, 0.5)).not.toEqual(await moved(1, 0))
  })
})
