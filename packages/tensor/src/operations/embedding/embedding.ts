import { differentiable } from '../../autograd/tape'
import { isFormat } from '../../dtype'
import { OutriderError, ShapeError } from '../../errors'
import { blockOperands } from '../../formats/blocks'
import { defineKernel, elements, linearWorkgroups } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import gradientSource from './embedding-gradient.wgsl'
import { embeddingPieces } from './embedding-pieces'
import rowsSource from './embedding-rows.wgsl'
import previousSource from './previous-row.wgsl'

const rowsKernel = defineKernel({
  name: 'embedding',
  source: rowsSource,
  uses: [elements({ table: 'word', y: 'word' })],
})
const previousKernel = defineKernel({ name: 'previousRow', source: previousSource })
const gradientKernel = defineKernel({
  name: 'embeddingGradient',
  source: gradientSource,
  uses: [elements({ dy: 1 })],
})

/**
 * Rows of a table by id. Differentiable in a table of f32 or f16; the gradient is f32.
 *
 * @param table  [vocabulary, columns], f32; or a format of weights, and columns a multiple of 8
 * @param ids    u32 [...]; ids past the vocabulary take its last row
 * @param options.dtype  f16: rows of a table of f16 as they are, where the device has `shader-f16`. Default f32.
 * @returns f32 or f16 [..., columns]
 */
export function embedding(table: Tensor, ids: Tensor, { dtype = 'f32' }: { dtype?: 'f32' | 'f16' } = {}): Tensor {
  const [vocabulary, columns] = table.shape
  if (table.shape.length !== 2)
    throw new ShapeError('embedding', [table.shape, ids.shape], 'the table must be [vocabulary, columns]')
  if (ids.dtype !== 'u32')
    throw new OutriderError('DTYPE_MISMATCH', `embedding: the ids are ${ids.dtype}; u32 is needed.`)
  const { device } = table
  if (dtype === 'f16' && table.dtype !== 'f16')
    throw new OutriderError('DTYPE_MISMATCH', `embedding: rows of a table of ${table.dtype} cannot be had as f16.`, {
      remedy: "cast(table, 'f16') first.",
    })
  const y = device.empty([...ids.shape, columns!], dtype)
  lookUp(table, ids, y)
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
      device.run(gradientKernel, {
        bindings: { ids, previous, last, dy, dtable },
        params: { count: y.size, columns: columns!, vocabulary: vocabulary! },
        workgroups: linearWorkgroups(Math.ceil(y.size / 64)),
      })
      return dtable
    })
  return differentiable(y, { name: 'embedding', inputs: [table, ids], gradient: (dy) => [() => gradient(dy), null] })
}

/** Every slab of the table writes the rows whose ids it has. */
function lookUp(table: Tensor, ids: Tensor, y: Tensor): void {
  const { dtype } = table
  const [vocabulary, columns] = table.shape as [number, number]
  const format = isFormat(dtype) && dtype !== y.dtype ? dtype : undefined
  const vectorSize = format ? 8 : 1
  if (columns % vectorSize !== 0)
    throw new ShapeError('embedding', [table.shape, ids.shape], `rows of a table of ${dtype} must be multiples of 8`)
  let first = 0
  for (const slab of table.slabs) {
    const operands = format ? blockOperands('table', slab, format) : { bindings: { table: slab }, params: {} }
    const slabRows = slab.shape[0]!
    table.device.run(format ? embeddingPieces(format) : rowsKernel, {
      bindings: { ...operands.bindings, ids, y },
      params: {
        count: y.size / vectorSize,
        columns: columns / vectorSize,
        vocabulary,
        first,
        slabRows,
        ...operands.params,
      },
      workgroups: linearWorkgroups(Math.ceil(y.size / vectorSize / 64)),
    })
    first += slabRows
  }
}
