import { ShapeError } from '../../errors'
import { linearWorkgroups } from '../../kernel/index'
import { sameShape } from '../../shape'
import type { Tensor } from '../../tensor'
import { startRun } from '../starts'
import { frequencyTurns } from './frequencies'
import type { RopeOptions } from './rope'
import source from './rope-into-cache.wgsl'
import { defineTurningKernel, turningRun } from './turning'

const kernel = defineTurningKernel({ name: 'ropeIntoCache', source })

/**
 * What attention needs of its projections, in one dispatch: queries and keys are rotated (`rope`), keys and values written in
 * place to cache[b, start + row]. Rows past the capacity are left out. Not differentiable. All are f32: q [batch, rows,
 * heads · headDim], k [batch, rows, kvHeads · headDim], v of the shape of k; the cache's keys and values [batch, capacity,
 * kvHeads, headDim].
 * @returns the rotated queries, f32 [batch, rows, heads, headDim]
 */
export function ropeIntoCache(
  { q, k, v }: { q: Tensor; k: Tensor; v: Tensor },
  { keys, values }: { keys: Tensor; values: Tensor },
  { frequencies, start = 0, magnitude = 1 }: RopeOptions,
): Tensor {
  const [batch, rows, columns] = q.shape as [number, number, number]
  const [cached, capacity, kvHeads, headDim] = keys.shape as [number, number, number, number]
  const heads = columns / headDim
  const fits =
    q.shape.length === 3 &&
    sameShape(k.shape, [batch, rows, kvHeads * headDim]) &&
    sameShape(v.shape, k.shape) &&
    sameShape(values.shape, keys.shape) &&
    batch === cached &&
    Number.isInteger(heads) &&
    headDim % 2 === 0
  if (!fits)
    throw new ShapeError(
      'ropeIntoCache',
      [q.shape, k.shape, v.shape, keys.shape, values.shape],
      'must be [batch, rows, heads · headDim], twice [batch, rows, kvHeads · headDim], twice [batch, capacity, kvHeads, headDim], headDim even',
    )
  const pairs = headDim / 2
  const { turns, turnedPairs } = frequencyTurns('ropeIntoCache', frequencies, pairs)
  const { kernels, params } = turningRun('ropeIntoCache', kernel, { pairs, turnedPairs, magnitude })
  const rotated = q.device.empty([batch, rows, heads, headDim])
  const run = startRun('ropeIntoCache', kernels, start, batch)
  const count = q.size / 2 + k.size / 2
  q.device.run(run.kernel, {
    bindings: { q, k, v, frequencies: turns, rotated, keys, values, ...run.bindings },
    params: { count, rows, heads, kvHeads, capacity, start: run.start, ...params },
    workgroups: linearWorkgroups(Math.ceil(count / 64)),
  })
  if (turns !== frequencies) turns.dispose()
  return rotated
}
