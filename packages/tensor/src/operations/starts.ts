import { Advancing, type Position } from '../device/advancing'
import { OutriderError, ShapeError } from '../errors'
import { defineKernel, generatedKernel, type Kernel, type KernelDefinition, type KernelPart } from '../kernel/index'
import type { Tensor } from '../tensor'

/** Where each sequence of a batch begins: one position for all, which replays may move on, or u32 [batch]. */
export type Start = number | Position | Tensor

/** A kernel in two forms: positions from `params.start`, and from a tensor `starts` bound last. */
export interface StartKernel {
  constant: Kernel
  tensor: Kernel
}

/** Its WGSL calls `startOf(batch)` and declares `start: u32` in Params. */
export const defineStartKernel = ({ uses = [], ...definition }: KernelDefinition): StartKernel => ({
  constant: defineKernel({ ...definition, uses: [...uses, startInParams] }),
  tensor: defineKernel({ ...definition, uses: [...uses, startsByBatch] }),
})

/** The same of a text that is generated: made once for a name, which says all that the text depends on. */
export function generatedStartKernel(name: string, define: () => Omit<KernelDefinition, 'name'>): StartKernel {
  const defined = (start: KernelPart) => () => {
    const { uses = [], ...definition } = define()
    return { ...definition, uses: [...uses, start] }
  }
  return {
    constant: generatedKernel(name, defined(startInParams)),
    tensor: generatedKernel(`${name}Starts`, defined(startsByBatch)),
  }
}

const startInParams: KernelPart = {
  name: 'startInParams',
  provides: ['startOf'],
  text: 'fn startOf(batch: u32) -> u32 { return params.start; }',
}

const startsByBatch: KernelPart = {
  name: 'startsByBatch',
  provides: ['startOf'],
  bindings: ['var<storage, read> starts: array<u32>'],
  text: 'fn startOf(batch: u32) -> u32 { return starts[batch]; }',
}

/** The kernel, bindings and parameter that a given start needs. */
export function startRun(
  operation: string,
  kernels: StartKernel,
  start: Start,
  batch: number,
): { kernel: Kernel; bindings: Record<string, Tensor>; start: number | Position } {
  if (typeof start === 'number' || start instanceof Advancing) {
    const first = typeof start === 'number' ? start : start.value
    if (!Number.isInteger(first) || first < 0 || first >= 2 ** 32)
      throw new OutriderError(
        'INVALID_ARGUMENT',
        `${operation}: start must be a position, 0 to 2^32 − 1, not ${first}.`,
      )
    return { kernel: kernels.constant, bindings: {}, start }
  }
  if (start.dtype !== 'u32' || start.size !== batch)
    throw new ShapeError(operation, [start.shape], `starts must be u32 [${batch}]`)
  return { kernel: kernels.tensor, bindings: { starts: start }, start: 0 }
}
