import { valueAndGradient } from '../autograd/value-and-gradient'
import { multiply } from '../operations/pointwise/binary'
import { sum } from '../operations/reduce/sum'
import { uniform01 } from '../random/philox'
import { readAll, type Tensor } from '../tensor'
import { expectAllClose, type Tolerance } from './all-close'

export interface GradientCheckOptions extends Tolerance {
  /** Half the distance of the two points that are compared. */
  step?: number
}

/**
 * Compares the gradient of Σ fn(inputs) · r, with fixed random weights r, against central differences in every element of
 * every input. fn may have any output shape.
 */
export async function checkGradient(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  { step = 1e-2, absolute = 2e-3, relative = 1e-2 }: GradientCheckOptions = {},
): Promise<void> {
  const { device } = inputs[0]!
  const weighted = (tensors: readonly Tensor[]) => {
    const output = fn(...tensors)
    const weights = device.tensor(
      Float32Array.from({ length: output.size }, (_, i) => uniform01(1, i) * 2 - 1),
      { shape: output.shape },
    )
    return sum(multiply(output, weights))
  }
  const { gradients } = valueAndGradient([...inputs], (tensors) => weighted(tensors))
  const analytic = await readAll(gradients)
  for (const [which, input] of inputs.entries()) {
    const data = await input.data()
    const values: Tensor[] = []
    for (let i = 0; i < data.length; i++)
      for (const sign of [1, -1]) {
        const moved = Float32Array.from(data)
        moved[i]! += sign * step
        values.push(
          device.scope(() =>
            weighted(inputs.map((other, j) => (j === which ? device.tensor(moved, { shape: input.shape }) : other))),
          ),
        )
      }
    const read = (await readAll(values)).map((value) => value[0]!)
    const numeric = Float64Array.from(data, (_, i) => (read[i * 2]! - read[i * 2 + 1]!) / (2 * step))
    await expectAllClose(analytic[which]!, numeric, { absolute, relative }).catch((error: Error) => {
      throw new Error(`gradient of input ${which}: ${error.message}`)
    })
    for (const value of values) value.dispose()
  }
  for (const gradient of gradients) gradient.dispose()
}
