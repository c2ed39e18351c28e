/** What is left of the target after accepted tokens of weight w, up to its norm: max(w·q − p, 0), in float64. */
export function residual(q: ArrayLike<number>, p: ArrayLike<number>, w = 1): Float64Array {
  return Float64Array.from({ length: q.length }, (_, x) => Math.max(w * q[x]! - p[x]!, 0))
}

/** The sum of weights, in their order. */
export function total(weights: ArrayLike<number>): number {
  let sum = 0
  for (let x = 0; x < weights.length; x++) sum += weights[x]!
  return sum
}

/**
 * The id at which the running sum of `weights` passes u·Σ; `fallback` takes the place of weights that are all zero.
 * Never an id of weight zero, however the sums round.
 */
export function drawFrom(weights: ArrayLike<number>, u: number, fallback: ArrayLike<number>): number {
  const sum = total(weights)
  if (!(sum > 0)) return drawFrom(fallback, u, [1])
  let rest = u * sum
  let last = 0
  for (let x = 0; x < weights.length; x++) {
    if (!(weights[x]! > 0)) continue
    last = x
    if (rest < weights[x]!) return x
    rest -= weights[x]!
  }
  return last
}
