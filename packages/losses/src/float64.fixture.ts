import { type LossFormula, type Position, total } from './testing/position'

/** A loss in float64. */
export interface Reference {
  value: LossFormula
  /** m(x) = p(x) ∂L/∂p(x), by hand: in the logits the gradient is m − p Σ m. */
  mass(at: Position): Float64Array
}

/** r(x) = 1{q(x) > p(x)}. */
export const rewardOf = ({ p, q }: Position): Float64Array => p.map((x, i) => (q[i]! > x ? 1 : 0))
export const meanReward = (at: Position): number => total(rewardOf(at).map((r, i) => r * at.p[i]!))
export const sigmaOf = (mean: number): number => Math.max(Math.sqrt(Math.max(mean - mean * mean, 0)), 0.01)

/** m − p Σ m. */
export function logitGradient({ p }: Position, mass: Float64Array): Float64Array {
  const whole = total(mass)
  return mass.map((m, i) => m - p[i]! * whole)
}
