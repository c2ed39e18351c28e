import { describe, it } from 'vitest'
import { uniform01 } from '../../random/philox'
import { expectAllClose, testDevice } from '../../testing'
import { rope } from './rope'

describe('rope', () => {
  it('turns pairs by exact angles at near and far positions, sequence by sequence', async () => {
    const device = await testDevice()
    const [batch, rows, heads, headDim] = [3, 4, 2, 8]
    const starts = [0, 500, 8000]
    const frequencies = Float32Array.from({ length: headDim / 2 }, (_, i) => 10000 ** ((-2 * i) / headDim))
    const x = Float32Array.from({ length: batch * rows * heads * headDim }, (_, i) => uniform01(3, i) - 0.5)
    const expected = x.map((value, i) => {
      const d = i % headDim
      const row = Math.floor(i / (heads * headDim))
      // The angle is the f32 product, as on the device and in other engines; the rest is float64.
      const angle = Math.fround((starts[Math.floor(row / rows)]! + (row % rows)) * frequencies[d % (headDim / 2)]!)
      const other = d < headDim / 2 ? -x[i + headDim / 2]! : x[i - headDim / 2]!
      return value * Math.cos(angle) + other * Math.sin(angle)
    })
    const y = device.scope(() =>
      rope(device.tensor(x, { shape: [batch, rows, heads, headDim] }), {
        frequencies: device.tensor(frequencies),
        start: device.tensor(starts, { dtype: 'u32' }),
      }),
    )
    await expectAllClose(y, expected, { absolute: 3e-7, relative: 1e-5 })
    y.dispose()
  })
})
