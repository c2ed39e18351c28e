import { nothing } from './top-tokens'

/** Steps a unit of ln q. */
export const stepsPerNat = 2048
const most = 65_535

/**
 * Log-probabilities as they are stored: −ln q in steps of 1/2048, 16 bits. A value is at most 1/4096 = 0.00024 from what was given,
 * which makes a probability 0.024 % another; halves, at ln q = −16, would be 0.004 from it. What is below −32 (10⁻¹⁴) is stored as −32.
 */
export const toSteps = (logProbability: number): number =>
  Math.min(most, Math.max(0, Math.round(-logProbability * stepsPerNat)))

/** What was stored. The least there is stands for nothing, too: what is left may be that. */
export const fromSteps = (steps: number): number => (steps === most ? nothing : -steps / stepsPerNat)
