import { ShapeError } from '../../errors'
import { linearWorkgroups } from '../../kernel'
import { sameShape, sizeOf } from '../../shape'
import type { Tensor } from '../../tensor'
import { defineStartKernel, type Start, startRun } from '../starts'
import source from './write-rows.wgsl'

const kernels = defineStartKernel({ name: 'writeRows', source })

/**
 * Writes rows into a cache, in place: cache[b, start + t] = x[b, t]. Rows past the capacity are left out. Not differentiable.
 *
 * @param cache  f32 [batch, capacity, ...]
 * @param x      f32 [batch, rows, ...], the same trailing axes
 */
export function writeRows(cache: Tensor, x: Tensor, { start = 0 }: { start?: Start } = {}): void {
  const [batch, capacity, ...rest] = cache.shape as [number, number, ...number[]]
  if (x.shape[0] !== batch || !sameShape(x.shape.slice(2), rest))
    throw new ShapeError('writeRows', [cache.shape, x.shape], 'only the second axis may differ')
  const run = startRun('writeRows', kernels, start, batch)
  cache.device.run(run.kernel, {
    bindings: { x, cache, ...run.bindings },
    params: { count: x.size, rows: x.shape[1]!, columns: sizeOf(rest), capacity, start: run.start },
    workgroups: linearWorkgroups(Math.ceil(x.size / 64)),
  })
}
