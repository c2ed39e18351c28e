import { blockSeconds, breakEvenAcceptance, expectedTokens, type StepCosts } from '@outrider/speculative'

/** What drafts of one length can bring, by what passes cost and nothing else. */
export interface Ceiling {
  draftLength: number
  /** Tokens that a block must bring to cost no more than plain decoding: its seconds over those of a pass of one row. */
  breakEvenTokens: number
  /** The acceptance rate at which that many are expected; null where even a draft that is always right loses. */
  breakEvenAcceptance: number | null
  /** Plain decoding's seconds over those of speculation, by acceptance rate. */
  speedUp: { acceptanceRate: number; speedUp: number }[]
}

/**
 * The ceiling to expect of a draft, for each length: speed-up(α, γ) = (1 − α^(γ+1)) / (1 − α) · T(1) / (γ·t + T(γ + 1)), with
 * t a step of the draft and T(n) a pass of the target over n rows (Leviathan et al. 2023, theorem 3.8, with the measured
 * T(γ + 1) in place of T(1)).
 */
export function ceilings(
  costs: StepCosts,
  {
    draftLengths = [1, 2, 3, 5, 7],
    acceptanceRates = [0.5, 0.6, 0.7],
  }: { draftLengths?: readonly number[]; acceptanceRates?: readonly number[] } = {},
): Ceiling[] {
  return draftLengths.map((draftLength) => {
    const breakEvenTokens = blockSeconds(costs, draftLength) / blockSeconds(costs, 0)
    return {
      draftLength,
      breakEvenTokens,
      breakEvenAcceptance: breakEvenAcceptance(costs, draftLength),
      speedUp: acceptanceRates.map((acceptanceRate) => ({
        acceptanceRate,
        speedUp: expectedTokens(() => acceptanceRate, draftLength) / breakEvenTokens,
      })),
    }
  })
}
