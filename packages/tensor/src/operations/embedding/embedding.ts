import { differentiable } from '../../autograd/tape'
import { OutriderError, ShapeError } from '../../errors'
import { defineKernel, linearWorkgroups } from '../../kernel'
import type { Tensor } from '../../tensor'
import source from './embedding.wgsl'
import gradientSource from './embedding-gradient.wgsl'
import previousSource from './previous-row.wgsl'

const kernel = defineKernel({ name: 'embedding', source })
const previousKernel = defineKernel({ name: 'previousRow', source: previousSource })
const gradientKernel = defineKernel({ name: 'embeddingGradient', source: gradientSource })

/**
 * Rows of a table by id.
 *
 * @param table  f32 [vocabulary, columns]
 * @param ids    u32 [...]; ids past the vocabulary take its last row
 * @returns f32 [..., columns]
 */
export function embedding(table: Tensor, ids: Tensor): Tensor {
  const [vocabulary, columns] = table.shape
  if (table.shape.length !== 2)
    throw new ShapeError('embedding', [table.shape, ids.shape], 'the table must be [vocabulary, columns]')
  if (ids.dtype !== 'u32')
    throw new OutriderError('DTYPE_MISMATCH', `embedding: the ids are ${ids.dtype}; u32 is needed.`)
  const { device } = table
  const y = device.empty([...ids.shape, columns!])
  const params = { count: y.size, columns: columns!, vocabulary: vocabulary! }
  const workgroups = linearWorkgroups(Math.ceil(y.size / 64))
  device.run(kernel, { bindings: { table, ids, y }, params, workgroups })
  const gradient = (dy: Tensor) =>
    device.scope(() => {
      const previous = device.empty([ids.size], 'u32')
      const last = device.empty([ids.size], 'u32')
      device.run(previousKernel, {
        bindings: { ids, previous, last },
        params: { rows: ids.size },
        workgroups: [Math.ceil(ids.size / 64)],
      })
      const dtable = device.zeros(table.shape)
      device.run(gradientKernel, { bindings: { ids, previous, last, dy, dtable }, params, workgroups })
      return dtable
    })
  return differentiable(y, { name: 'embedding', inputs: [table, ids], gradient: (dy) => [() => gradient(dy), null] })
}
