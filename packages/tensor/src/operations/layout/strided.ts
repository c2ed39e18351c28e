import { isFormat } from '../../dtype'
import { OutriderError, ShapeError } from '../../errors'
import { defineKernel, elements, linearWorkgroups, withoutHalves } from '../../kernel/index'
import { type Shape, sizeOf, stridesOf } from '../../shape'
import type { Tensor } from '../../tensor'
import source from './strided.wgsl'

const kernel = defineKernel({ name: 'strided', source, uses: [elements({ x: 'word', y: 'word' })] })

/** Copies x, read at given strides (in elements; 0 repeats), into a row-major tensor of up to four axes. Not differentiable. */
export function readStrided(operation: string, x: Tensor, shape: Shape, strides: readonly number[]): Tensor {
  if (shape.length > 4) throw new ShapeError(operation, [shape], 'at most four axes are supported')
  const half = x.dtype === 'f16'
  if (half && !x.device.capabilities.shaderF16) throw withoutHalves(operation)
  if (isFormat(x.dtype) && !half)
    throw new OutriderError('DTYPE_MISMATCH', `${operation}: the tensor is ${x.dtype}.`, {
      remedy: "cast(x, 'f32') first.",
    })
  const y = x.device.empty(shape, x.dtype)
  const pad = 4 - shape.length
  const [, n1, n2, n3] = [...new Array<number>(pad).fill(1), ...shape] as [number, number, number, number]
  const [s0, s1, s2, s3] = [...new Array<number>(pad).fill(0), ...strides] as [number, number, number, number]
  const count = sizeOf(shape)
  x.device.run(kernel, {
    bindings: { x, y },
    params: { count, n1, n2, n3, s0, s1, s2, s3 },
    workgroups: linearWorkgroups(Math.ceil(count / 64)),
  })
  return y
}

/** Strides that read a tensor of one shape as another to which it broadcasts. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = stridesOf(from)
  const offset = to.length - from.length
  return to.map((_, axis) => (axis < offset || from[axis - offset] === 1 ? 0 : strides[axis - offset]!))
}
