import { differentiable } from '../../autograd/tape'
import { ShapeError } from '../../errors'
import { elements, linearWorkgroups } from '../../kernel/index'
import { Tensor } from '../../tensor'
import { defineStartKernel, type Start, startRun } from '../starts'
import { frequencyTurns } from './frequencies'
import frequency from './frequency.wgsl'
import source from './rope.wgsl'
import rotation from './rotation.wgsl'

const kernels = defineStartKernel({
  name: 'rope',
  source: source + rotation + frequency,
  uses: [elements({ x: 1, y: 1 })],
})

export interface RopeOptions {
  /**
   * By pair, of `exactFrequencies`: u32 [headDim / 2, 2]. Or f32 [headDim / 2], radians a position, a turn at most: converted
   * at every call, with angles that are exact for what f32 says of them.
   */
  frequencies: Tensor
  /** The position of row 0. */
  start?: Start
}

/**
 * Rotary position embedding (Su et al. 2021, arXiv 2104.09864), Hugging Face's half rotation: row t of a sequence is at
 * position start + t. Angles are exact to f32 at every position below 2³².
 *
 * @param x  f32 or, where the device has `shader-f16`, f16 [batch, rows, heads, headDim]
 * @returns of x's shape and dtype
 * @throws ShapeError or OutriderError DTYPE_MISMATCH for tensors of another shape or dtype
 */
export function rope(x: Tensor, { frequencies, start = 0 }: RopeOptions): Tensor {
  const [, , , headDim] = x.shape
  if (x.shape.length !== 4 || headDim! % 2 !== 0)
    throw new ShapeError('rope', [x.shape], 'x must be [batch, rows, heads, headDim], headDim even')
  const y = rotate(x, frequencies, start, 1)
  const inputs = [x, frequencies, ...(start instanceof Tensor ? [start] : [])]
  return differentiable(y, { name: 'rope', inputs, gradient: (dy) => [() => rotate(dy, frequencies, start, -1)] })
}

function rotate(x: Tensor, frequencies: Tensor, start: Start, direction: number): Tensor {
  const [batch, rows, heads, headDim] = x.shape as [number, number, number, number]
  const run = startRun('rope', kernels, start, batch)
  const turns = frequencyTurns('rope', frequencies, headDim / 2)
  const y = x.device.empty(x.shape, x.dtype)
  const count = x.size / 2 / heads
  x.device.run(run.kernel, {
    bindings: { x, frequencies: turns, y, ...run.bindings },
    params: { count, rows, heads, pairs: headDim / 2, start: run.start, direction },
    workgroups: linearWorkgroups(Math.ceil(count / 64)),
  })
  if (turns !== frequencies) turns.dispose()
  return y
}
