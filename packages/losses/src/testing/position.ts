import { uniform01 } from '@outrider/tensor'

/** A draft's and a target's distribution at one position, in float64: what the kernels' f32 is compared with. */
export interface Position {
  p: Float64Array
  q: Float64Array
  logP: Float64Array
  logQ: Float64Array
  label: number
}

/** A loss at a position, in float64. What it holds constant in its gradient (σ, λ) is taken from `fixed`. */
export type LossFormula = (at: Position, fixed: Position) => number

/** The position of draft and target logits. */
export function positionOf(draft: ArrayLike<number>, target: ArrayLike<number>, label = 0): Position {
  const [logP, logQ] = [logSoftmax(draft), logSoftmax(target)]
  return { p: logP.map(Math.exp), q: logQ.map(Math.exp), logP, logQ, label }
}

function logSoftmax(z: ArrayLike<number>): Float64Array {
  const logits = Float64Array.from(z)
  const largest = logits.reduce((a, b) => Math.max(a, b))
  const normaliser = largest + Math.log(total(logits.map((x) => Math.exp(x - largest))))
  return logits.map((x) => x - normaliser)
}

export const total = (values: ArrayLike<number>): number => {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum
}

export const alphaOf = ({ p, q }: Position): number => total(p.map((x, i) => Math.min(x, q[i]!)))

/** The gradient of a formula in the draft's logits, by central differences. */
export function numericGradient(
  formula: LossFormula,
  draft: ArrayLike<number>,
  target: ArrayLike<number>,
  label: number,
): Float64Array {
  const fixed = positionOf(draft, target, label)
  const step = 1e-5
  return Float64Array.from(draft, (_, moved) => {
    const at = (sign: number) =>
      positionOf(
        Float64Array.from(draft, (z, i) => (i === moved ? z + sign * step : z)),
        target,
        label,
      )
    return (formula(at(1), fixed) - formula(at(-1), fixed)) / (2 * step)
  })
}

/** Logits evenly spread over [−spread, spread]. */
export const logitsOf = (count: number, stream: number, spread: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => spread * (2 * uniform01(stream, i) - 1))
