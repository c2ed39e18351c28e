import { Tensor } from '../tensor'

export interface Tolerance {
  /** Largest difference allowed whatever the size of the number. */
  absolute?: number
  /** Largest difference allowed as a part of the expected number. */
  relative?: number
}

/**
 * Fails unless every element is within `absolute + relative · |expected|`; prints the worst one. The defaults suit f32
 * results of an operation.
 */
export async function expectAllClose(
  actual: Tensor | ArrayLike<number>,
  expected: ArrayLike<number>,
  { absolute = 1e-6, relative = 1e-3 }: Tolerance = {},
): Promise<void> {
  const values = actual instanceof Tensor ? await actual.data() : actual
  if (values.length !== expected.length) throw new Error(`expected ${expected.length} elements, got ${values.length}`)
  let worst = -1
  let excess = 0
  for (let i = 0; i < values.length; i++) {
    const over = Math.abs(values[i]! - expected[i]!) - absolute - relative * Math.abs(expected[i]!)
    if (Number.isNaN(over) || over > excess) {
      excess = Number.isNaN(over) ? Number.POSITIVE_INFINITY : over
      worst = i
    }
  }
  if (worst < 0) return
  const at = actual instanceof Tensor ? `[${indexOf(worst, actual.shape).join(', ')}]` : `[${worst}]`
  throw new Error(
    `element ${at} is ${values[worst]}, expected ${expected[worst]} (absolute ${absolute}, relative ${relative})`,
  )
}

function indexOf(offset: number, shape: readonly number[]): number[] {
  const index: number[] = []
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(offset % shape[axis]!)
    offset = Math.floor(offset / shape[axis]!)
  }
  return index
}
