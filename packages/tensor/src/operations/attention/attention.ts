import { differentiable } from '../../autograd/tape'
import { OutriderError, ShapeError } from '../../errors'
import { defineKernel, linearWorkgroups } from '../../kernel'
import type { Tensor } from '../../tensor'
import { rowReduction } from '../reduce/row-reduction'
import { defineStartKernel, type Start, startRun } from '../starts'
import { throughF32 } from '../through-f32'
import forwardSource from './forward.wgsl'
import keyGradientSource from './key-gradient.wgsl'
import places from './places.wgsl'
import queryGradientSource from './query-gradient.wgsl'
import rowSumsSource from './row-sums.wgsl'

const forward = defineStartKernel({ name: 'attention', source: places + forwardSource })
const rowSumsKernel = defineKernel({ name: 'attentionRowSums', source: rowSumsSource })
const queryGradient = defineKernel({ name: 'attentionQueryGradient', source: places + queryGradientSource })
const keyGradient = defineKernel({ name: 'attentionKeyGradient', source: places + keyGradientSource })

/** More keys than a cache holds; with a position added, it is still a u32. */
const unlimited = 2 ** 30

export interface AttentionOptions {
  /** The position of query row 0: row t sees keys 0 … start + t. Default 0. */
  start?: Start
  /** Row t sees only the last `window` keys up to its own: sliding window attention. Default: all of them. */
  window?: number | undefined
  /** What scores are multiplied by. Default 1 / √headDim. */
  scale?: number
}

/**
 * Causal attention with grouped heads: softmax(scale · q kᵀ) v, query head h reading key head ⌊h / (heads / kvHeads)⌋.
 * The scores are never held. k and v may be caches longer than what has been written: only keys up to start + row are read.
 * Differentiable where start is a number.
 *
 * @param q  f32 or f16 [batch, rows, heads, headDim]; headDim a multiple of 4. f16 is widened for the kernels
 * @param k  f32 or f16 [batch, keys, kvHeads, headDim]
 * @param v  f32 or f16, the shape of k
 * @returns of q's shape and dtype
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { start = 0, window = unlimited, scale }: AttentionOptions = {},
): Tensor {
  if (!Number.isInteger(window) || window < 1)
    throw new OutriderError('INVALID_ARGUMENT', `attention: window is ${window}; it must be a positive integer.`)
  const { batch, rows, keys, heads, kvHeads, headDim } = attentionSizes(q, k, v)
  const { device } = q
  const lanes = rowReduction(256, device.capabilities)
  const constants = { ...lanes.constants, VECTORS: headDim / 4 }
  const run = startRun('attention', forward, start, batch)
  const params = {
    batch,
    rows,
    keys,
    heads,
    kvHeads,
    start: run.start,
    window: Math.min(window, unlimited),
    scale: scale ?? 1 / Math.sqrt(headDim),
  }
  const blocks = (count: number) => linearWorkgroups(batch * kvHeads * Math.ceil(count / 4))
  const byQueries = { ...lanes, constants, params, workgroups: blocks((rows * heads) / kvHeads) }
  const shift = device.empty([batch, heads, rows])
  const [out] = throughF32([q, k, v], [q.dtype], (q, k, v) => {
    const out = device.empty(q.shape)
    device.run(run.kernel, { bindings: { q, k, v, out, shift, ...run.bindings }, ...byQueries })
    return [out]
  })
  if (!device.tape) shift.dispose()

  const gradient = (dout: Tensor) => {
    if (typeof start !== 'number')
      throw new OutriderError('UNSUPPORTED', 'attention: there is no gradient with starts by sequence.', {
        remedy: 'Train without a cache, with start 0.',
      })
    const rowSums = device.empty([batch, heads, rows, 2])
    throughF32([dout, out], [], (dout, out) => {
      device.run(rowSumsKernel, {
        constants: { VECTORS: headDim / 4 },
        bindings: { dout, out, shift, rowSums },
        params: { count: batch * heads * rows, rows, heads },
        workgroups: linearWorkgroups(Math.ceil((batch * heads * rows) / 32)),
      })
      return []
    })
    const forQueries = () =>
      throughF32([q, k, v, dout], [q.dtype], (q, k, v, dout) => {
        const dq = device.empty(q.shape)
        device.run(queryGradient, { bindings: { q, k, v, dout, rowSums, dq }, ...byQueries })
        return [dq]
      })[0]
    // One kernel gives both; whichever is asked for first runs it.
    let pair: readonly [dk: Tensor, dv: Tensor] | null = null
    const forKeys = () => {
      pair ??= throughF32([q, k, v, dout], [k.dtype, v.dtype], (q, k, v, dout) => {
        const [dk, dv] = [device.empty(k.shape), device.empty(v.shape)]
        device.run(keyGradient, {
          bindings: { q, k, v, dout, rowSums, dk, dv },
          ...byQueries,
          workgroups: blocks(keys),
        })
        return [dk, dv]
      })
      return pair
    }
    return [forQueries, () => forKeys()[0], () => forKeys()[1]]
  }
  return differentiable(out, { name: 'attention', inputs: [q, k, v], gradient })
}

function attentionSizes(q: Tensor, k: Tensor, v: Tensor) {
  const [batch, rows, heads, headDim] = q.shape as [number, number, number, number]
  const [kBatch, keys, kvHeads, kHeadDim] = k.shape as [number, number, number, number]
  const fail = (rule: string) => new ShapeError('attention', [q.shape, k.shape, v.shape], rule)
  if (q.shape.length !== 4 || k.shape.length !== 4 || k.shape.join() !== v.shape.join())
    throw fail('q must be [batch, rows, heads, headDim], k and v [batch, keys, kvHeads, headDim]')
  if (batch !== kBatch || headDim !== kHeadDim) throw fail('batch and headDim differ')
  if (heads % kvHeads !== 0) throw fail('heads must be a multiple of kvHeads')
  if (headDim % 4 !== 0) throw fail('headDim must be a multiple of 4')
  return { batch, rows, heads, headDim, keys, kvHeads }
}
