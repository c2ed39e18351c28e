import { blockSeconds, type StepCosts } from './step-costs'

/**
 * Expected tokens of a block, 1 + Σᵢ Πⱼ≤ᵢ aⱼ, with aⱼ the probability that position j is accepted given that those
 * before it were. With one a for all: (1 − a^(γ+1)) / (1 − a), Leviathan et al. 2023, equation 1.
 */
export function expectedTokens(acceptance: (position: number) => number, draftLength: number): number {
  let tokens = 1
  let reached = 1
  for (let position = 0; position < draftLength; position++) {
    reached *= acceptance(position)
    tokens += reached
  }
  return tokens
}

/**
 * The acceptance rate at which blocks of γ drafted tokens are as fast as plain decoding. 0 if they are at any rate, null
 * if they are slower even when every token is accepted.
 */
export function breakEvenAcceptance(costs: StepCosts, draftLength: number): number | null {
  const needed = blockSeconds(costs, draftLength) / blockSeconds(costs, 0)
  if (needed > draftLength + 1) return null
  let [low, high] = [0, 1]
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2
    if (expectedTokens(() => middle, draftLength) < needed) low = middle
    else high = middle
  }
  return needed <= 1 ? 0 : high
}
