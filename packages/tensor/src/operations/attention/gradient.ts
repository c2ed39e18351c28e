import type { InputGradient } from '../../autograd/tape'
import { defineKernel, linearWorkgroups } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import { concat } from '../layout/slice'
import { throughF32 } from '../through-f32'
import type { AttentionKernel, AttentionKernels } from './kernels'
import rowSumsSource from './row-sums.wgsl'

const rowSumsKernel = defineKernel({ name: 'attentionRowSums', source: rowSumsSource, constants: ['VECTORS'] })

/** What attention has computed, and by what. */
export interface Attended {
  q: Tensor
  k: Tensor
  v: Tensor
  out: Tensor
  /** f32 [batch, heads, rows]: ln Σ exp(scores). */
  logSumExp: Tensor
  visibility: Tensor | undefined
  kernels: AttentionKernels
  params: Readonly<Record<string, number>>
  /** Workgroups for so many queries, or keys, of which each has some: by default four. */
  blocks: (count: number, members?: number) => [number, number, number]
}

/** The gradients of attention for q, k and v, given ∂loss/∂out. */
export function attentionGradients(
  { q, k, v, out, logSumExp, visibility, kernels, params, blocks }: Attended,
  dout: Tensor,
): InputGradient[] {
  const { device } = q
  const [batch, rows, heads, headDim] = q.shape as [number, number, number, number]
  const [, keys, kvHeads] = k.shape as [number, number, number, number]
  const rowSums = device.empty([batch, heads, rows, 2])
  throughF32([dout, out], [], (dout, out) => {
    device.run(rowSumsKernel, {
      constants: { VECTORS: headDim / 4 },
      bindings: { dout, out, logSumExp, rowSums },
      params: { count: batch * heads * rows, rows, heads },
      workgroups: linearWorkgroups(Math.ceil((batch * heads * rows) / 32)),
    })
    return []
  })
  const run = (
    { kernel, specialization }: AttentionKernel,
    bindings: Readonly<Record<string, Tensor>>,
    workgroups: [number, number, number],
  ) => device.run(kernel.constant, { ...specialization, bindings, params, workgroups })
  /** A pass over all queries, or keys. */
  const overAll = (kernel: AttentionKernel, count: number, bindings: Readonly<Record<string, Tensor>>) =>
    run(kernel, bindings, blocks(count, kernel.members))
  const forQueries = () =>
    throughF32([q, k, v, dout], [q.dtype], (q, k, v, dout) => {
      const dq = device.empty(q.shape)
      const operands = { q, k, v, dout, rowSums, dq, ...(visibility && { visibility }) }
      overAll(kernels.queryGradient(), (rows * heads) / kvHeads, operands)
      return [dq]
    })[0]
  /** With the rows that see a block of keys behind it: the kernel has no binding left. */
  const withSeers = (visibility: Tensor) =>
    device.scope(() => {
      const seers = device.empty([batch * Math.ceil(keys / 4) * 2], 'u32')
      run(kernels.seers(), { visibility, seers }, linearWorkgroups(Math.ceil(seers.size / 128)))
      return concat([visibility.reshape([visibility.size]), seers])
    })
  // One kernel gives both; whichever is asked for first runs it.
  let pair: readonly [dk: Tensor, dv: Tensor] | null = null
  const forKeys = () => {
    pair ??= throughF32([q, k, v, dout], [k.dtype, v.dtype], (q, k, v, dout) => {
      const [dk, dv] = [device.empty(k.shape), device.empty(v.shape)]
      const seen = visibility && withSeers(visibility)
      const operands = { q, k, v, dout, rowSums, dk, dv, ...(seen && { visibility: seen }) }
      overAll(kernels.keyGradient(), keys, operands)
      seen?.dispose()
      return [dk, dv]
    })
    return pair
  }
  return [forQueries, () => forKeys()[0], () => forKeys()[1]]
}
