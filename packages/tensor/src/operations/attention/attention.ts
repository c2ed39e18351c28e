import { differentiable, isTracked } from '../../autograd/tape'
import type { Device } from '../../device/device'
import { OutriderError, ShapeError } from '../../errors'
import {
  defineKernel,
  generatedKernel,
  type Kernel,
  type KernelSpecialization,
  linearWorkgroups,
} from '../../kernel/index'
import type { Tensor } from '../../tensor'
import { rowReduction, rowReductionFor, workgroupReduction } from '../reduce/row-reduction'
import { defineStartKernel, generatedStartKernel, type Start, type StartKernel, startRun } from '../starts'
import { throughF32 } from '../through-f32'
import type { BroadcastForm } from './broadcast-source'
import * as broadcast from './broadcast-source'
import combineSource from './combine.wgsl'
import decodingSource from './decoding.wgsl'
import forwardSource from './forward.wgsl'
import keyGradientSource from './key-gradient.wgsl'
import places from './places.wgsl'
import queryGradientSource from './query-gradient.wgsl'
import rowSumsSource from './row-sums.wgsl'
import {
  type AttentionKernelName,
  decodingLanes,
  selectAttention,
  selectSpan,
  selectsDecoding,
  takesBroadcast,
  takesDecoding,
  unlimited,
} from './select'

const combineKernel = defineStartKernel({
  name: 'attentionCombine',
  source: combineSource,
  constants: ['VECTORS'],
})
const rowSumsKernel = defineKernel({
  name: 'attentionRowSums',
  source: rowSumsSource,
  constants: ['VECTORS'],
})

/** The kernels of attention and its gradients, and what their shaders are specialised by. */
interface AttentionKernels {
  forward: StartKernel
  /** Of `forward`, where it is not that of the gradients. */
  forwardSpecialization?: KernelSpecialization
  queryGradient: Kernel
  keyGradient: Kernel
  specialization: KernelSpecialization
}

function attentionKernels(
  device: Device,
  rows: number,
  headDim: number,
  tracked: boolean,
  forced?: AttentionKernelName,
): AttentionKernels {
  if (forced !== 'decoding' && (forced || tracked || !selectsDecoding(rows, headDim, device.capabilities)))
    return kernelsWithGradients(device, headDim, forced)
  if (tracked || !takesDecoding(headDim))
    throw new OutriderError('INVALID_ARGUMENT', 'attention: kernel decoding does not take this form here.')
  return {
    ...kernelsWithGradients(device, headDim),
    forward: decodingKernel,
    forwardSpecialization: {
      constants: { VECTORS: headDim / 4 },
      forms: [workgroupReduction(decodingLanes)],
    },
  }
}

const shared = { uses: [rowReduction], constants: ['VECTORS'] }

const decodingKernel = defineStartKernel({ name: 'attentionDecoding', source: places + decodingSource, ...shared })

function kernelsWithGradients(
  { capabilities }: Device,
  headDim: number,
  forced?: Exclude<AttentionKernelName, 'decoding'>,
): AttentionKernels {
  const vectors = headDim / 4
  if ((forced ?? selectAttention(headDim, capabilities)) === 'broadcast') {
    if (!takesBroadcast(headDim, capabilities))
      throw new OutriderError('INVALID_ARGUMENT', 'attention: kernel broadcast does not take this form here.')
    const form = { lanes: capabilities.subgroupMinSize, vectors }
    return { ...broadcastKernels(form), specialization: { constants: { VECTORS: vectors } } }
  }
  const forms = [rowReductionFor(256, capabilities)]
  return { ...sharedKernels, specialization: { forms, constants: { VECTORS: vectors } } }
}

const sharedKernels = {
  forward: defineStartKernel({ name: 'attention', source: places + forwardSource, ...shared }),
  queryGradient: defineKernel({ name: 'attentionQueryGradient', source: places + queryGradientSource, ...shared }),
  keyGradient: defineKernel({ name: 'attentionKeyGradient', source: places + keyGradientSource, ...shared }),
}

function broadcastKernels(form: BroadcastForm) {
  const name = (part: string) => `attention${part}Broadcast${form.lanes}x${form.vectors}`
  const defined = (source: string) => ({ source: places + source, constants: ['VECTORS'] })
  return {
    forward: generatedStartKernel(name(''), () => defined(broadcast.forwardSource(form))),
    queryGradient: generatedKernel(name('QueryGradient'), () => defined(broadcast.queryGradientSource(form))),
    keyGradient: generatedKernel(name('KeyGradient'), () => defined(broadcast.keyGradientSource(form))),
  }
}

export interface AttentionOptions {
  /** The position of query row 0: row t sees keys 0 … start + t. Default 0. */
  start?: Start
  /** Row t sees only the last `window` keys up to its own: sliding window attention. Default: all of them. */
  window?: number | undefined
  /** What scores are multiplied by. Default 1 / √headDim. */
  scale?: number
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
  { start = 0, window = unlimited, scale, kernel, span }: AttentionOptions = {},
): Tensor {
  if (!Number.isInteger(window) || window < 1)
    throw new OutriderError('INVALID_ARGUMENT', `attention: window is ${window}; it must be a positive integer.`)
  if (span !== undefined && !(Number.isInteger(span) && span >= 1))
    throw new OutriderError('INVALID_ARGUMENT', `attention: span is ${span}; it must be a positive integer.`)
  const { batch, rows, keys, heads, kvHeads, headDim } = attentionSizes(q, k, v)
  const { device } = q
  const tracked = isTracked(q, k, v)
  const { forward, forwardSpecialization, queryGradient, keyGradient, specialization } = attentionKernels(
    device,
    rows,
    headDim,
    tracked,
    kernel,
  )
  const run = startRun('attention', forward, start, batch)
  // The gradients want the shift over all keys, which parts do not give.
  const partKeys = tracked ? unlimited : (span ?? selectSpan(rows, device.capabilities))
  // A position moves on in replays.
  const end = typeof start === 'number' ? Math.min(start + rows, keys) : keys
  const parts = Math.ceil(end / partKeys)
  const params = {
    batch,
    rows,
    keys,
    heads,
    kvHeads,
    start: run.start,
    window: Math.min(window, unlimited),
    scale: scale ?? 1 / Math.sqrt(headDim),
    parts,
    span: partKeys,
  }
  const blocks = (count: number, times = 1) => linearWorkgroups(times * batch * kvHeads * Math.ceil(count / 4))
  const queries = (rows * heads) / kvHeads
  const byQueries = { ...specialization, params, workgroups: blocks(queries) }
  const shift = device.empty([parts, batch, heads, rows])
  const [out] = throughF32([q, k, v], [q.dtype], (q, k, v) => {
    const out = device.empty(parts > 1 ? [parts, ...q.shape] : q.shape)
    device.run(run.kernel, {
      ...byQueries,
      ...forwardSpecialization,
      bindings: { q, k, v, out, shift, ...run.bindings },
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
  return differentiable(out, { name: 'attention', inputs: [q, k, v], saved: [shift], gradient })
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
