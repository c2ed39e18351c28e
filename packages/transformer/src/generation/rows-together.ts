import type { Tensor } from '@outrider/tensor'

/** Some rows of a tensor [..., columns]. */
export interface TensorRows {
  x: Tensor
  /** Default 0. */
  start?: number
  /** Default 1. */
  count?: number
}

/**
 * TensorRows of one or several tensors, one below the other; what lies side by side is copied at once, and nothing where it is all of a tensor.
 *
 * @returns [rows, columns], its memory the tensor's where nothing was copied
 */
export function rowsTogether(parts: readonly TensorRows[]): Tensor {
  const runs = joined(parts)
  const [first] = runs
  const { device, dtype } = first!.x
  const columns = first!.x.shape.at(-1)!
  if (runs.length === 1 && first!.count * columns === first!.x.size) return first!.x.reshape([first!.count, columns])
  const y = device.empty([runs.reduce((sum, { count }) => sum + count, 0), columns], dtype)
  let row = 0
  for (const { x, start, count } of runs) {
    device.copy(x, start * columns, y, row * columns, count * columns)
    row += count
  }
  return y
}

/** The same rows in as few pieces as they lie in. */
function joined(parts: readonly TensorRows[]): Required<TensorRows>[] {
  const runs: Required<TensorRows>[] = []
  for (const { x, start = 0, count = 1 } of parts) {
    const last = runs.at(-1)
    if (last?.x === x && last.start + last.count === start) last.count += count
    else runs.push({ x, start, count })
  }
  return runs
}
