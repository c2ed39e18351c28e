import { expectedTokens } from './expected-tokens'
import { type DraftLengthPolicy, maxDraftLength } from './policy'
import { blockSeconds, type StepCosts } from './step-costs'

export interface AutoDraftLengthOptions {
  /** What steps cost. */
  costs: StepCosts
  /**
   * Whether the seconds of blocks correct the costs: contexts grow, machines get busy. Default true. Without it γ follows from
   * the costs and from what was accepted, and the same seed gives the same tokens whatever the load.
   */
  learnsTimes?: boolean
  /** The most tokens to draft. Default 15. */
  limit?: number
  /** Drafted blocks after which an observation counts 1/e. Default 32. */
  memory?: number
  /** Plain tokens before the first probe for a draft that pays again; doubles with each probe that finds none, 8 times at most. Default 64. */
  probeInterval?: number
}

const probeBlocks = 4
/** What is believed before anything is measured, and how many trials that is worth. */
const priorAcceptance = 0.6
const priorTrials = 2

/**
 * The draft length that maximises expected tokens per second, from the measured acceptance of each position and what steps
 * cost. When plain decoding is faster it stops drafting, and probes with a few blocks now and then.
 * Deterministic given what it observes.
 */
export function autoDraftLength({
  costs,
  learnsTimes = true,
  limit = maxDraftLength,
  memory = 32,
  probeInterval = 64,
}: AutoDraftLengthOptions): DraftLengthPolicy {
  const keep = Math.exp(-1 / memory)
  const accepted = new Float64Array(limit)
  const tried = new Float64Array(limit)
  // Observed over predicted seconds.
  const drift = { plain: 1, drafted: 1 }
  let plainBlocks = 0
  let interval = probeInterval
  let probing = 0

  const acceptance = () => {
    const sum = (counts: Float64Array) => counts.reduce((a, b) => a + b, 0)
    const pooled = (sum(accepted) + priorAcceptance * priorTrials) / (sum(tried) + priorTrials)
    return (position: number) => (accepted[position]! + pooled * priorTrials) / (tried[position]! + priorTrials)
  }
  const rate = (draftLength: number, at: (position: number) => number) =>
    expectedTokens(at, draftLength) /
    (blockSeconds(costs, draftLength) * (draftLength === 0 ? drift.plain : drift.drafted))
  const fastest = (from: number) => {
    const at = acceptance()
    let best = from
    for (let draftLength = from + 1; draftLength <= limit; draftLength++)
      if (rate(draftLength, at) > rate(best, at)) best = draftLength
    return best
  }

  return {
    next() {
      const best = fastest(0)
      if (best > 0) return best
      return probing > 0 ? fastest(1) : 0
    },
    observe({ drafted, accepted: count, seconds }) {
      if (learnsTimes) {
        const kind = drafted === 0 ? 'plain' : 'drafted'
        const ratio = Math.min(Math.max(seconds / blockSeconds(costs, drafted), 0.25), 4)
        drift[kind] += (ratio - drift[kind]) * 0.1
      }
      if (drafted === 0) {
        if (++plainBlocks < interval) return
        plainBlocks = 0
        probing = probeBlocks
        interval = Math.min(interval * 2, probeInterval * 8)
        return
      }
      for (let position = 0; position < limit; position++) {
        accepted[position]! *= keep
        tried[position]! *= keep
        if (position < drafted && position <= count) tried[position]! += 1
        if (position < count) accepted[position]! += 1
      }
      if (probing > 0) probing--
      if (fastest(0) > 0) {
        probing = 0
        plainBlocks = 0
        interval = probeInterval
      }
    },
  }
}
