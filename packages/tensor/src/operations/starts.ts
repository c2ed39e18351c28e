import { OutriderError, ShapeError } from '../errors'
import { defineKernel, type Kernel } from '../kernel'
import type { Tensor } from '../tensor'

/** Where each sequence of a batch begins: one position for all, or u32 [batch]. */
export type Start = number | Tensor

/**
 * A kernel in two forms: positions from `params.start`, and from a tensor `starts` bound last. Its WGSL calls
 * `startOf(batch)` and declares `start: u32` in Params.
 */
export function defineStartKernel({ name, source }: { name: string; source: string }) {
  const binding = defineKernel({ name, source }).bindings.length
  return {
    constant: defineKernel({ name, source: `${source}\nfn startOf(batch: u32) -> u32 { return params.start; }` }),
    tensor: defineKernel({
      name,
      source: `@group(0) @binding(${binding}) var<storage, read> starts: array<u32>;\n${source}\nfn startOf(batch: u32) -> u32 { return starts[batch]; }`,
    }),
  }
}

/** The kernel, bindings and parameter that a given start needs. */
export function startRun(
  operation: string,
  kernels: { constant: Kernel; tensor: Kernel },
  start: Start,
  batch: number,
): { kernel: Kernel; bindings: Record<string, Tensor>; start: number } {
  if (typeof start === 'number') {
    if (!Number.isInteger(start) || start < 0)
      throw new OutriderError('INVALID_ARGUMENT', `${operation}: start must be a position, not ${start}.`)
    return { kernel: kernels.constant, bindings: {}, start }
  }
  if (start.dtype !== 'u32' || start.size !== batch)
    throw new ShapeError(operation, [start.shape], `starts must be u32 [${batch}]`)
  return { kernel: kernels.tensor, bindings: { starts: start }, start: 0 }
}
