import { differentiable } from '../../autograd/tape'
import { ShapeError } from '../../errors'
import { defineKernel } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import source from './gather.wgsl'

const kernel = defineKernel({ name: 'gather', source, constants: ['SCATTER'] })

/**
 * One element of each row: y[row] = x[row, ids[row]]; an id past the columns picks 0.
 *
 * @param x    f32 [rows, columns]
 * @param ids  u32 [rows]
 * @returns f32 [rows]
 */
export function gather(x: Tensor, ids: Tensor): Tensor {
  const [rows, columns] = x.shape as [number, number]
  if (x.shape.length !== 2 || ids.size !== rows)
    throw new ShapeError('gather', [x.shape, ids.shape], 'one id a row is needed')
  const run = { params: { rows, columns }, workgroups: [Math.ceil(rows / 64)] as [number] }
  const y = x.device.empty([rows])
  x.device.run(kernel, { ...run, bindings: { ids, source: x, result: y }, constants: { SCATTER: false } })
  const gradient = (dy: Tensor) => {
    const dx = x.device.zeros(x.shape)
    x.device.run(kernel, { ...run, bindings: { ids, source: dy, result: dx }, constants: { SCATTER: true } })
    return dx
  }
  return differentiable(y, { name: 'gather', inputs: [x, ids], gradient: (dy) => [() => gradient(dy), null] })
}
