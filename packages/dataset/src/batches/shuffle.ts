import { philox } from '@outrider/tensor/internal'

/** The numbers 0 … count − 1 in an order that depends on seed and epoch alone (Fisher–Yates with Philox). */
export function shuffled(count: number, seed: number, epoch: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor((philox(seed, epoch * 2 ** 32 + i)[0] / 2 ** 32) * (i + 1))
    const swapped = order[i]!
    order[i] = order[j]!
    order[j] = swapped
  }
  return order
}
