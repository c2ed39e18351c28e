import { differentiable } from '../../autograd/tape'
import { OutriderError, ShapeError } from '../../errors'
import { defineKernel, linearWorkgroups } from '../../kernel'
import type { Tensor } from '../../tensor'
import { defineStartKernel, type Start, startRun } from '../starts'
import { throughF32 } from '../through-f32'
import combineSource from './combine.wgsl'
import { attentionKernels } from './kernels'
import rowSumsSource from './row-sums.wgsl'
import { type AttentionKernelName, selectSpan, unlimited } from './select'

const combineKernel = defineStartKernel({ name: 'attentionCombine', source: combineSource })
const rowSumsKernel = defineKernel({ name: 'attentionRowSums', source: rowSumsSource })

export interface AttentionOptions {
  /** The position of query row 0: row t sees keys 0 … start + t. Default 0. */
  start?: Start
  /** Row t sees only the last `window` keys up to its own: sliding window attention. Default: all of them. */
  window?: number | undefined
  /** What scores are multiplied by. Default 1 / √headDim. */
  scale?: number | undefined
  /** Keep scores below this: softCap · tanh(score / softCap) (Gemma 2, arXiv 2408.00118). Default: they are as they are. */
  softCap?: number | undefined
  /** Use this kernel, for comparison; by default the head and the device decide. */
  kernel?: AttentionKernelName | undefined
  /** Cut the keys into parts of so many, where no gradients are recorded; by default the rows and the device decide. */
  span?: number | undefined
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
  { start = 0, window = unlimited, scale, softCap, kernel, span }: AttentionOptions = {},
): Tensor {
  if (!Number.isInteger(window) || window < 1)
    throw new OutriderError('INVALID_ARGUMENT', `attention: window is ${window}; it must be a positive integer.`)
  if (softCap !== undefined && !(Number.isFinite(softCap) && softCap > 0))
    throw new OutriderError('INVALID_ARGUMENT', `attention: softCap is ${softCap}; it must be a positive number.`)
  if (span !== undefined && !(Number.isInteger(span) && span >= 1))
    throw new OutriderError('INVALID_ARGUMENT', `attention: span is ${span}; it must be a positive integer.`)
  const { batch, rows, keys, heads, kvHeads, headDim } = attentionSizes(q, k, v)
  const { device } = q
  const score = { capped: softCap !== undefined }
  const kernels = attentionKernels(device, { rows, headDim, score }, kernel)
  const forward = startRun('attention', kernels.forward.kernel, start, batch)
  // The gradients want the shift over all keys, which parts do not give.
  const partKeys = device.tape ? unlimited : (span ?? selectSpan(rows, device.capabilities))
  // A recording is replayed at positions further on.
  const end = typeof start === 'number' && !device.isRecording ? Math.min(start + rows, keys) : keys
  const parts = Math.ceil(end / partKeys)
  const params = {
    batch,
    rows,
    keys,
    heads,
    kvHeads,
    start: forward.start,
    window: Math.min(window, unlimited),
    scale: scale ?? 1 / Math.sqrt(headDim),
    ...(softCap !== undefined && { softCap }),
    parts,
    span: partKeys,
  }
  const blocks = (count: number, times = 1) => linearWorkgroups(times * batch * kvHeads * Math.ceil(count / 4))
  const queries = (rows * heads) / kvHeads
  const shift = device.empty([parts, batch, heads, rows])
  const [out] = throughF32([q, k, v], [q.dtype], (q, k, v) => {
    const out = device.empty(parts > 1 ? [parts, ...q.shape] : q.shape)
    device.run(forward.kernel, {
      ...kernels.forward.specialization,
      bindings: { q, k, v, out, shift, ...forward.bindings },
      params,
      workgroups: blocks(queries, parts),
    })
    if (parts === 1) return [out]
    const whole = device.empty(q.shape)
    const combine = startRun('attention', combineKernel, start, batch)
    device.run(combine.kernel, {
      constants: { VECTORS: headDim / 4 },
      bindings: { parts: out, shift, out: whole, ...combine.bindings },
      params: { ...params, count: whole.size / 4 },
      workgroups: linearWorkgroups(Math.ceil(whole.size / 4 / 64)),
    })
    out.dispose()
    return [whole]
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
        const { kernel, specialization } = kernels.queryGradient()
        device.run(kernel.constant, {
          ...specialization,
          bindings: { q, k, v, dout, rowSums, dq },
          params,
          workgroups: blocks(queries),
        })
        return [dq]
      })[0]
    // One kernel gives both; whichever is asked for first runs it.
    let pair: readonly [dk: Tensor, dv: Tensor] | null = null
    const forKeys = () => {
      pair ??= throughF32([q, k, v, dout], [k.dtype, v.dtype], (q, k, v, dout) => {
        const [dk, dv] = [device.empty(k.shape), device.empty(v.shape)]
        const { kernel, specialization } = kernels.keyGradient()
        device.run(kernel.constant, {
          ...specialization,
          bindings: { q, k, v, dout, rowSums, dk, dv },
          params,
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
