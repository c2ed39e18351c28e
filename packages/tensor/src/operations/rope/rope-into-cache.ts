import { OutriderError, ShapeError } from '../../errors'
import { linearWorkgroups } from '../../kernel/index'
import { sameShape } from '../../shape'
import type { Tensor } from '../../tensor'
import { cacheBlock, unblockedWidth } from '../attention/blocked-cache'
import { startRun } from '../starts'
import { frequencyTurns } from './frequencies'
import type { RopeOptions } from './rope'
import blockedSource from './rope-into-blocked-cache.wgsl'
import source from './rope-into-cache.wgsl'
import halfSource from './rope-into-half-cache.wgsl'
import { defineTurningKernel, turningRun } from './turning'

/** What writes into caches, by their dtype: u32 is q8_0. Counts are of dispatched pairs, and of blocks. */
const caches = {
  f32: { kernel: defineTurningKernel({ name: 'ropeIntoCache', source }), pairsAtOnce: 1 },
  f16: { kernel: defineTurningKernel({ name: 'ropeIntoHalfCache', source: halfSource }), pairsAtOnce: 2 },
  u32: { kernel: defineTurningKernel({ name: 'ropeIntoBlockedCache', source: blockedSource }), pairsAtOnce: 1 },
}

/**
 * What attention needs of its projections, in one dispatch: queries and keys are rotated (`rope`), keys and values written in
 * place to cache[b, start + row]. Rows past the capacity are left out. Not differentiable. q is f32 [batch, rows, heads ·
 * headDim], k f32 [batch, rows, kvHeads · headDim], v of the shape of k; the cache's keys and values f32 or f16 [batch, capacity,
 * kvHeads, headDim], or q8_0. Into f16 they are rounded, past ±65504 to that, and no `shader-f16` is needed; headDim and what is
 * turned of it are then multiples of 4.
 *
 * q8_0 is u32 [batch, capacity, kvHeads, 9 · headDim / 32], headDim a multiple of 32: 8 words of a block's bytes, then the bits of
 * an f32 d; x = d · byte, d = max |x| / 127 of the block, bytes to nearest (llama.cpp's Q8_0, but that d is f16 there).
 * @returns the rotated queries, f32 [batch, rows, heads, headDim]
 * @throws ShapeError where shapes do not fit; OutriderError DTYPE_MISMATCH for a cache of another dtype, UNSUPPORTED where f16
 *   does not take the head
 */
export function ropeIntoCache(
  { q, k, v }: { q: Tensor; k: Tensor; v: Tensor },
  { keys, values }: { keys: Tensor; values: Tensor },
  { frequencies, start = 0, magnitude = 1 }: RopeOptions,
): Tensor {
  const [batch, rows, columns] = q.shape as [number, number, number]
  const [cached, capacity, kvHeads, width] = keys.shape as [number, number, number, number]
  const inBlocks = keys.dtype === 'u32'
  const headDim = inBlocks ? unblockedWidth(width) : width
  const heads = columns / headDim
  const fits =
    q.shape.length === 3 &&
    sameShape(k.shape, [batch, rows, kvHeads * headDim]) &&
    sameShape(v.shape, k.shape) &&
    sameShape(values.shape, keys.shape) &&
    batch === cached &&
    Number.isInteger(heads) &&
    headDim % (inBlocks ? cacheBlock : 2) === 0
  if (!fits)
    throw new ShapeError(
      'ropeIntoCache',
      [q.shape, k.shape, v.shape, keys.shape, values.shape],
      `must be [batch, rows, heads · headDim], twice [batch, rows, kvHeads · headDim], twice [batch, capacity, kvHeads, ${inBlocks ? '9 · headDim / 32], headDim a multiple of 32' : 'headDim], headDim even'}`,
    )
  const pairs = headDim / 2
  const { kernel, pairsAtOnce } = cacheOf(keys, values)
  const turned = frequencies.shape[0]!
  if (pairs % pairsAtOnce !== 0 || turned % pairsAtOnce !== 0)
    throw new OutriderError(
      'UNSUPPORTED',
      `ropeIntoCache: a cache of f16 takes heads of a multiple of 4, of which a multiple of 4 is turned, not ${headDim} and ${2 * turned}.`,
      { remedy: 'Use a cache of f32.' },
    )
  const { turns, turnedPairs } = frequencyTurns('ropeIntoCache', frequencies, pairs)
  const { kernels, params } = turningRun('ropeIntoCache', kernel, { pairs, turnedPairs, magnitude })
  const rotated = q.device.empty([batch, rows, heads, headDim])
  const run = startRun('ropeIntoCache', kernels, start, batch)
  const blocks = k.size / cacheBlock
  const count = inBlocks ? 2 * blocks + q.size / 2 : (q.size / 2 + k.size / 2) / pairsAtOnce
  q.device.run(run.kernel, {
    bindings: { q, k, v, frequencies: turns, rotated, keys, values, ...run.bindings },
    params: { count, ...(inBlocks && { blocks }), rows, heads, kvHeads, capacity, start: run.start, ...params },
    workgroups: linearWorkgroups(Math.ceil(count / 64)),
  })
  if (turns !== frequencies) turns.dispose()
  return rotated
}

/** What writes into a cache of this dtype. */
function cacheOf(keys: Tensor, values: Tensor) {
  const { dtype } = keys
  if ((dtype === 'f32' || dtype === 'f16' || dtype === 'u32') && values.dtype === dtype) return caches[dtype]
  throw new OutriderError(
    'DTYPE_MISMATCH',
    `ropeIntoCache: keys and values are ${dtype} and ${values.dtype}; both must be f32, both f16, or both q8_0 in u32.`,
  )
}
