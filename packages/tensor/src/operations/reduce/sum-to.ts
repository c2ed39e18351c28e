import { type Shape, sameShape } from '../../shape'
import type { Tensor } from '../../tensor'
import { reduce } from './reduce'

/** The sum of x over the axes along which `shape` would broadcast to x's shape: the gradient of broadcasting. Not differentiable. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x.reshape(shape)
  return x.device.scope(() => {
    const rank = x.shape.length
    const target = [...new Array<number>(rank - shape.length).fill(1), ...shape]
    let current = x
    for (let axis = 0; axis < rank; axis++) {
      if (target[axis] === current.shape[axis]) continue
      // Neighbouring axes that go together are one sum.
      let end = axis + 1
      while (end < rank && target[end] === 1) end++
      const outer = product(current.shape.slice(0, axis))
      const length = product(current.shape.slice(axis, end))
      const inner = product(current.shape.slice(end))
      const reduced = [
        ...current.shape.slice(0, axis),
        ...new Array<number>(end - axis).fill(1),
        ...current.shape.slice(end),
      ]
      current = reduce('sum', current, outer, length, inner, reduced)
      axis = end - 1
    }
    return current.reshape(shape)
  })
}

const product = (dimensions: readonly number[]) => dimensions.reduce((a, b) => a * b, 1)
