import { differentiable } from '../../autograd/tape'
import { ShapeError } from '../../errors'
import { elements, linearWorkgroups } from '../../kernel/index'
import { Tensor } from '../../tensor'
import { type Start, startRun } from '../starts'
import { frequencyTurns } from './frequencies'
import source from './rope.wgsl'
import { defineTurningKernel, turningRun } from './turning'

const kernel = defineTurningKernel({ name: 'rope', source, uses: [elements({ x: 1, y: 1 })] })

export interface RopeOptions {
  /**
   * By pair, of `exactFrequencies`: u32 [pairs, 2]. Or f32 [pairs], radians a position, a turn at most: converted at every
   * call, with angles that are exact for what f32 says of them. Of fewer pairs than headDim / 2, the first 2 · pairs elements
   * of a head are turned, and the rest stays as it is.
   */
  frequencies: Tensor
  /** What is turned is multiplied by it (the attention factor of YaRN, arXiv 2309.00071). Default 1. */
  magnitude?: number
  /** The position of row 0. */
  start?: Start
}

/**
 * Rotary position embedding (Su et al. 2021, arXiv 2104.09864), Hugging Face's half rotation: element i turns with
 * element i + pairs, and row t of a sequence is at position start + t. Angles are exact to f32 at every position below 2³².
 *
 * @param x  f32 or, where the device has `shader-f16`, f16 [batch, rows, heads, headDim]
 * @returns of x's shape and dtype
 * @throws ShapeError or OutriderError DTYPE_MISMATCH for tensors of another shape or dtype; INVALID_ARGUMENT
 */
export function rope(x: Tensor, options: RopeOptions): Tensor {
  const [, , , headDim] = x.shape
  if (x.shape.length !== 4 || headDim! % 2 !== 0)
    throw new ShapeError('rope', [x.shape], 'x must be [batch, rows, heads, headDim], headDim even')
  const { frequencies, start } = options
  const inputs = [x, frequencies, ...(start instanceof Tensor ? [start] : [])]
  const gradient = (dy: Tensor) => [() => rotate(dy, options, -1)]
  return differentiable(rotate(x, options, 1), { name: 'rope', inputs, gradient })
}

function rotate(x: Tensor, { frequencies, start = 0, magnitude = 1 }: RopeOptions, direction: number): Tensor {
  const [batch, rows, heads, headDim] = x.shape as [number, number, number, number]
  const pairs = headDim / 2
  const { turns, turnedPairs } = frequencyTurns('rope', frequencies, pairs)
  const { kernels, params } = turningRun('rope', kernel, { pairs, turnedPairs, magnitude })
  const run = startRun('rope', kernels, start, batch)
  const y = x.device.empty(x.shape, x.dtype)
  const count = x.size / 2 / heads
  x.device.run(run.kernel, {
    bindings: { x, frequencies: turns, y, ...run.bindings },
    params: { count, rows, heads, start: run.start, direction, ...params },
    workgroups: linearWorkgroups(Math.ceil(count / 64)),
  })
  if (turns !== frequencies) turns.dispose()
  return y
}
