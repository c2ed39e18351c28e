import type { Tensor } from '../tensor'

/** The tensors made since a scope began; they end with it unless they are returned or kept. */
export class Scope {
  readonly tensors = new Set<Tensor>()
}

/** Calls `visit` for every tensor in a value: a tensor, an array, a plain object, nested. */
export function visitTensors(value: unknown, visit: (tensor: Tensor) => void): void {
  if (value === null || typeof value !== 'object') return
  if (isTensor(value)) visit(value)
  else if (Array.isArray(value)) for (const item of value) visitTensors(item, visit)
  else if (Object.getPrototypeOf(value) === Object.prototype)
    for (const item of Object.values(value)) visitTensors(item, visit)
}

/** Tensors are told by a mark, not by class, so that this module needs nothing of theirs. */
export const tensorMark: unique symbol = Symbol('outrider.tensor')

export const isTensor = (value: unknown): value is Tensor =>
  typeof value === 'object' && value !== null && tensorMark in value
