import { differentiable, isTracked } from '../../autograd/tape'
import { OutriderError, ShapeError } from '../../errors'
import { linearWorkgroups } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import { type Start, startRun } from '../starts'
import { throughF32 } from '../through-f32'
import { blockedWidth, cacheBlock } from './blocked-cache'
import { attentionGradients } from './gradient'
import { attentionKernels } from './kernels'
import { type AttentionKernelName, unlimited } from './select'
import { spanOf } from './span'

export interface AttentionOptions {
  /** The position of query row 0: row t sees keys 0 … start + t. Default 0. */
  start?: Start
  /** A row sees only the last `window` of the keys that it would see without it: sliding window attention. Default: all. */
  window?: number | undefined
  /**
   * Which keys each row sees, where that is not all up to its own: u32 [batch, rows, 3], a row's `prefix`, `group` and `bits`.
   * It sees key j exactly where
   *
   *     j < start + prefix,  or  0 ≤ j − start − group < 32 and bit (j − start − group) of bits is set
   *
   * (bit 0 is the lowest). Prefix and group are counted from `start`, below 2³⁰, and a group begins where the prefix ends or
   * later. A row that sees nothing gets zeros. A window counts the keys that are seen, by index: along a path through a tree it
   * reaches as far back as if the path were alone. The gradients read the tensor again.
   *
   * - Verifying a tree of tokens after a cache of `start` keys: prefix 0, group 0, bits of a node's ancestors and itself. It
   *   stays as it is while the cache grows.
   * - Training a parallel draft (PARD, arXiv 2504.18583), start 0, masked positions behind the real ones: a real row t has
   *   prefix t + 1 and no bits; the i-th mask after t real tokens has prefix t, its group's first key, and bits 0 … i.
   * - Drafting in parallel is one such group after the cache.
   */
  visibility?: Tensor | undefined
  /** What scores are multiplied by. Default 1 / √headDim. */
  scale?: number | undefined
  /** Keep scores below this: softCap · tanh(score / softCap) (Gemma 2, arXiv 2408.00118). Default: they are as they are. */
  softCap?: number | undefined
  /** Use this kernel, for comparison; by default the head and the device decide. */
  kernel?: AttentionKernelName | undefined
  /** Cut the keys into splits of so many, where no gradients are recorded; by default the rows and the device decide. */
  span?: number | undefined
}

/**
 * Attention with grouped heads: softmax(scale · q kᵀ) v over the keys that a row sees, query head h reading key head
 * ⌊h / (heads / kvHeads)⌋; scores may be soft-capped. Causal, unless `visibility` says otherwise. The scores are never held. k
 * and v may be caches longer than what has been written: keys behind the last that a row sees are not read. Differentiable in q,
 * k and v where start is a number.
 *
 * @param q  f32 or f16 [batch, rows, heads, headDim]; headDim a multiple of 4. f16 is widened for the kernels
 * @param k  f32 or f16 [batch, keys, kvHeads, headDim]; beside f32 queries, and where no gradients are recorded, f16 is read as
 *   it lies. There it may be a cache of q8_0, too: u32 [batch, keys, kvHeads, 9 · headDim / 32] (`ropeIntoCache`)
 * @param v  of k's dtype and shape; f32 may stand beside f16
 * @returns of q's shape and dtype
 * @throws ShapeError where shapes do not fit; OutriderError INVALID_ARGUMENT for an option out of range, or a kernel that does
 *         not take the form here; UNSUPPORTED where a gradient is asked for with starts by sequence; DTYPE_MISMATCH for a cache
 *         of q8_0 beside queries that are not f32, or values that are not u32, or where gradients are recorded
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { start = 0, window = unlimited, scale, softCap, visibility, kernel, span }: AttentionOptions = {},
): Tensor {
  if (!Number.isInteger(window) || window < 1)
    throw new OutriderError('INVALID_ARGUMENT', `attention: window is ${window}; it must be a positive integer.`)
  if (softCap !== undefined && !(Number.isFinite(softCap) && softCap > 0))
    throw new OutriderError('INVALID_ARGUMENT', `attention: softCap is ${softCap}; it must be a positive number.`)
  if (span !== undefined && !(Number.isInteger(span) && span >= 1))
    throw new OutriderError('INVALID_ARGUMENT', `attention: span is ${span}; it must be a positive integer.`)
  const { batch, rows, keys, heads, kvHeads, headDim } = attentionSizes(q, k, v)
  if (visibility && (visibility.dtype !== 'u32' || visibility.shape.join() !== [batch, rows, 3].join()))
    throw new ShapeError('attention', [visibility.shape], `visibility must be u32 [${batch}, ${rows}, 3]`)
  const { device } = q
  const score = { capped: softCap !== undefined, given: visibility !== undefined }
  const given = visibility && { visibility }
  const tracked = isTracked(q, k, v)
  const inBlocks = k.dtype === 'u32'
  if (inBlocks && (tracked || q.dtype !== 'f32' || v.dtype !== 'u32'))
    throw new OutriderError(
      'DTYPE_MISMATCH',
      `attention: keys in q8_0 take f32 queries and values in q8_0, and give no gradient; these are ${q.dtype} and ${v.dtype}${tracked ? ', and gradients are recorded' : ''}.`,
    )
  const queries = (rows * heads) / kvHeads
  const half = k.dtype === 'f16' && v.dtype === 'f16'
  const kernels = attentionKernels(device, { rows, queries, headDim, half, score, tracked, inBlocks }, kernel)
  const { takesHalves } = kernels.forward
  const forward = startRun('attention', kernels.forward.kernel, start, batch)
  // The gradients want the logSumExp over all keys, which splits do not give.
  const ofHeads = { heads, kvHeads, headDim, cache: inBlocks ? 'q8_0' : half ? 'f16' : 'f32' } as const
  const splitKeys = tracked ? unlimited : (span ?? spanOf(device, rows, kernel ? undefined : ofHeads))
  // A position moves on in replays; what visibility says lies on the device.
  const end = typeof start === 'number' && !visibility ? Math.min(start + rows, keys) : keys
  const splits = Math.ceil(end / splitKeys)
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
    splits,
    span: splitKeys,
  }
  const blocks = (count: number, members = 4) => linearWorkgroups(batch * kvHeads * Math.ceil(count / members))
  const logSumExp = device.empty([splits, batch, heads, rows])
  const forwards = (q: Tensor, k: Tensor, v: Tensor): [Tensor] => {
    const out = splits > 1 ? device.empty([splits, ...q.shape]) : device.empty(q.shape, q.dtype)
    device.run(forward.kernel, {
      ...kernels.forward.specialization,
      bindings: { q, k, v, out, logSumExp, ...given, ...forward.bindings },
      params,
      workgroups: linearWorkgroups(splits * batch * kvHeads * Math.ceil(queries / kernels.forward.queries)),
    })
    if (splits === 1) return [out]
    const whole = device.empty(q.shape)
    const { kernel, specialization } = kernels.combine()
    const combine = startRun('attention', kernel, start, batch)
    device.run(combine.kernel, {
      ...specialization,
      bindings: { outs: out, logSumExp, out: whole, ...given, ...combine.bindings },
      params,
      workgroups: linearWorkgroups(Math.ceil(whole.size / 4 / 64)),
    })
    out.dispose()
    return [whole]
  }
  // A cache may be long: it is read where it lies, not widened as a whole.
  const asTheyLie = q.dtype === 'f32' ? !tracked || takesHalves : takesHalves && splits === 1
  const [out] = asTheyLie ? forwards(q, k, v) : throughF32([q, k, v], [q.dtype], forwards)

  const gradient = (dout: Tensor) => {
    if (typeof start !== 'number')
      throw new OutriderError('UNSUPPORTED', 'attention: there is no gradient with starts by sequence.', {
        remedy: 'Train without a cache, with start 0.',
      })
    return attentionGradients(
      { q, k, v, out, logSumExp, visibility, kernels, params: { ...params, start }, blocks },
      dout,
    )
  }
  const inputs = [q, k, v, ...(visibility ? [visibility] : [])]
  return differentiable(out, { name: 'attention', inputs, saved: [logSumExp], gradient })
}

function attentionSizes(q: Tensor, k: Tensor, v: Tensor) {
  const [batch, rows, heads, headDim] = q.shape as [number, number, number, number]
  const [kBatch, keys, kvHeads, width] = k.shape as [number, number, number, number]
  const fail = (rule: string) => new ShapeError('attention', [q.shape, k.shape, v.shape], rule)
  if (q.shape.length !== 4 || k.shape.length !== 4 || k.shape.join() !== v.shape.join())
    throw fail('q must be [batch, rows, heads, headDim], k and v [batch, keys, kvHeads, headDim]')
  if (k.dtype === 'u32') {
    if (headDim % cacheBlock !== 0) throw fail(`headDim must be a multiple of ${cacheBlock} where keys are in q8_0`)
    if (width !== blockedWidth(headDim)) throw fail('k in q8_0 must be [batch, keys, kvHeads, 9 · headDim / 32]')
  }
  if (batch !== kBatch || (k.dtype !== 'u32' && headDim !== width)) throw fail('batch and headDim differ')
  if (heads % kvHeads !== 0) throw fail('heads must be a multiple of kvHeads')
  if (headDim % 4 !== 0) throw fail('headDim must be a multiple of 4')
  return { batch, rows, heads, headDim, keys, kvHeads }
}
