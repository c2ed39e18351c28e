import { blockSeconds, maxDraftLength, type StepCosts } from '@outrider/speculative'

/** What blocks of one length come to. */
export interface Gain {
  /** γ. */
  draftLength: number
  /** τ: tokens a pass of the target. */
  blockEfficiency: number
  /** Over plain decoding, by the costs. */
  speedUp: number
}

/**
 * The draft length that gains most, for a greedy draft of which it is known how much of it the model says, wherever it begins.
 *
 * @param runs  of each answer, by token after its first (`draftRuns`)
 */
export function bestGain(runs: readonly (readonly number[])[], costs: StepCosts): Gain {
  const gains = Array.from({ length: maxDraftLength }, (_, i) => gainOf(i + 1, runs, costs))
  return gains.reduce((best, gain) => (gain.speedUp > best.speedUp ? gain : best))
}

/** Goes through the answers as decoding does: a block drafts γ tokens, keeps those before the first wrong one, and one more. */
export function gainOf(draftLength: number, runs: readonly (readonly number[])[], costs: StepCosts): Gain {
  let [tokens, passes] = [0, 0]
  for (const answer of runs)
    for (let at = 0; at < answer.length; passes++) {
      const delivered = Math.min(Math.min(answer[at]!, draftLength) + 1, answer.length - at)
      tokens += delivered
      at += delivered
    }
  const blockEfficiency = passes === 0 ? 1 : tokens / passes
  return {
    draftLength,
    blockEfficiency,
    speedUp: (blockEfficiency * blockSeconds(costs, 0)) / blockSeconds(costs, draftLength),
  }
}
