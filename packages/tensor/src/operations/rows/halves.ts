import { ShapeError } from '../../errors'
import { defineKernel, linearWorkgroups } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import source from './halves.wgsl'

const kernel = defineKernel({ name: 'halves', source, constants: ['BACK'] })

/**
 * Numbers in half precision, two a word, on every device: to keep them. Rounded to nearest, past ±65504 to that; what is no number
 * stays none. Not differentiable.
 *
 * @param x  f32 [rows, columns]
 * @returns u32 [rows, ⌈columns / 2⌉]
 */
export function packHalves(x: Tensor): Tensor {
  const [rows, columns] = matrix('packHalves', x)
  const y = x.device.empty([rows, Math.ceil(columns / 2)], 'u32')
  run(x, y, { words: y, columns, back: false })
  return y
}

/**
 * What `packHalves` has kept.
 *
 * @param x        u32 [rows, ⌈columns / 2⌉]
 * @param columns  of the result
 * @returns f32 [rows, columns]
 */
export function unpackHalves(x: Tensor, columns: number): Tensor {
  const [rows, words] = matrix('unpackHalves', x)
  if (words !== Math.ceil(columns / 2))
    throw new ShapeError('unpackHalves', [x.shape], `rows of ${columns} halves have ${Math.ceil(columns / 2)} words`)
  const y = x.device.empty([rows, columns])
  run(x, y, { words: x, columns, back: true })
  return y
}

function run(x: Tensor, y: Tensor, { words, columns, back }: { words: Tensor; columns: number; back: boolean }): void {
  x.device.run(kernel, {
    bindings: { x, y },
    params: { count: words.size, words: words.shape[1]!, columns },
    constants: { BACK: back },
    workgroups: linearWorkgroups(Math.ceil(words.size / 64)),
  })
}

function matrix(operation: string, { shape }: Tensor): readonly [number, number] {
  if (shape.length === 2) return shape as readonly [number, number]
  throw new ShapeError(operation, [shape], 'x must be [rows, columns]')
}
