import { describe, expect, it } from 'vitest'
import { valueAndGradient } from '../../autograd/value-and-gradient'
import { uniform01 } from '../../random/philox'
import { expectAllClose, testDevice } from '../../testing'
import { add, multiply } from '../pointwise/binary'
import { sum } from '../reduce/sum'
import { type RmsNormOptions, rmsNorm } from './rms-norm'

const random = (size: number, stream: number) =>
  Float32Array.from({ length: size }, (_, i) => 2 * uniform01(stream, i) - 1)

/** y, and the gradients of Σ y · dy, by the formulas in float64. */
function exact(host: Record<'x' | 'weight' | 'dy', Float32Array>, { epsilon = 1e-5, offset = 0 }: RmsNormOptions) {
  const columns = host.weight.length
  const [y, dx, dweight] = [new Float64Array(host.x.length), new Float64Array(host.x.length), new Float64Array(columns)]
  for (let begin = 0; begin < host.x.length; begin += columns) {
    const places = Array.from({ length: columns }, (_, c) => begin + c)
    const gain = (i: number) => offset + host.weight[i - begin]!
    const mean = (of: (i: number) => number) => places.reduce((total, i) => total + of(i), 0) / columns
    const scale = 1 / Math.sqrt(mean((i) => host.x[i]! ** 2) + epsilon)
    const pull = mean((i) => host.dy[i]! * gain(i) * host.x[i]!) * scale ** 2
    for (const i of places) {
      y[i] = host.x[i]! * scale * gain(i)
      dx[i] = scale * (host.dy[i]! * gain(i) - host.x[i]! * pull)
      dweight[i - begin]! += host.dy[i]! * host.x[i]! * scale
    }
  }
  return { y, dx, dweight }
}

describe('rmsNorm', () => {
  it.each([
    [12, {}],
    [12, { epsilon: 0.5, offset: 1 }],
    [7, { offset: 1 }],
    [300, { offset: -0.25 }],
  ] as const)(
    'over %i columns with %o agrees with float64 in its value and both gradients',
    async (columns, options) => {
      const device = await testDevice()
      const host = { x: random(5 * columns, 1), weight: random(columns, 2), dy: random(5 * columns, 3) }
      const expected = exact(host, options)
      const inputs = { x: device.tensor(host.x, { shape: [5, columns] }), weight: device.tensor(host.weight) }
      using dy = device.tensor(host.dy, { shape: [5, columns] })
      const { value, gradients, aux } = valueAndGradient(inputs, ({ x, weight }) => {
        const y = rmsNorm(x, weight, options)
        return { value: sum(multiply(y, dy)), aux: y }
      })
      await expectAllClose(aux, expected.y, { absolute: 2e-6, relative: 1e-5 })
      await expectAllClose(gradients.x, expected.dx, { absolute: 5e-6, relative: 1e-5 })
      await expectAllClose(gradients.weight, expected.dweight, { absolute: 5e-6, relative: 1e-5 })
      for (const tensor of [value, aux, ...Object.values(gradients), ...Object.values(inputs)]) tensor.dispose()
    },
  )

  it('with an offset is one dispatch, and has the bits of the offset added before', async () => {
    const device = await testDevice()
    using x = device.tensor(random(36, 4), { shape: [3, 12] })
    using weight = device.tensor(random(12, 5))
    const { dispatches } = device.counters
    using y = rmsNorm(x, weight, { offset: 1 })
    expect(device.counters.dispatches).toBe(dispatches + 1)
    using before = device.scope(() => rmsNorm(x, add(weight, 1)))
    expect(await y.data()).toEqual(await before.data())
  })
})
