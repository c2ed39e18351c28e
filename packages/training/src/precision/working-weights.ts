import { cast, type Tensor } from '@outrider/tensor'

/**
 * What a step in mixed precision computes with: f16 copies of the matrices; vectors (norms and biases, of no weight in time or
 * memory) as they are. The copies belong to the present scope.
 */
export function workingWeights(masters: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(masters).map(([name, master]) => [name, master.shape.length > 1 ? cast(master, 'f16') : master]),
  )
}
