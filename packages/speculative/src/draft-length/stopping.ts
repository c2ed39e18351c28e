import type { Offer } from '../drafter/drafter'
import { expectedTokens } from './expected-tokens'
import { draftStepsSeconds, type StepCosts, targetPassSeconds } from './step-costs'

/** Blocks that a source's rate without stops counts for, before its drafts that may end early have a rate of their own. */
const priorBlocks = 4

/** What drafts that may end early brought, by source and kind. */
export class StoppedDrafts {
  readonly #keep: number
  readonly #kinds = new Map<string, { tokens: number; seconds: number }>()

  /** @param memory  drafts of a kind after which one counts 1/e */
  constructor(memory: number) {
    this.#keep = Math.exp(-1 / memory)
  }

  /** Tokens a second, where without stops they would be `prior`; a plain pass takes `plainSeconds`. */
  rate(offer: Offer, prior: number, plainSeconds: number): number {
    const { tokens, seconds } = this.#of(offer)
    const trial = priorBlocks * plainSeconds
    return (tokens + trial * prior) / (seconds + trial)
  }

  /** Counts a block, by what it took as costs say. */
  observe(offer: Offer, block: { tokens: number; seconds: number }): void {
    const sums = this.#of(offer)
    sums.tokens = sums.tokens * this.#keep + block.tokens
    sums.seconds = sums.seconds * this.#keep + block.seconds
  }

  #of({ source, kind }: Offer): { tokens: number; seconds: number } {
    const name = JSON.stringify([source, kind])
    const known = this.#kinds.get(name) ?? { tokens: 0, seconds: 0 }
    this.#kinds.set(name, known)
    return known
  }
}

/**
 * The confidence p(x) from which on drafting behind a token x pays: p(x)·a/r > d − s, where a is the acceptance of what follows
 * an accepted token, r the tokens a second as things go, d a draft step and s one that is left out. The target's rows are computed
 * in either case. In hundredths, at most 0.95.
 */
export function stopThreshold(
  { draftSeconds, skippedSeconds = 0 }: StepCosts,
  { acceptance, rate }: { acceptance: number; rate: number },
): number {
  return Math.min(0.95, Math.round(((draftSeconds - skippedSeconds) * rate * 100) / acceptance) / 100)
}

/** The γ, up to `most`, of drafts that end where they are no longer accepted, that would bring the most tokens a second. */
export function stoppedLength(costs: StepCosts, acceptance: (position: number) => number, most: number): number {
  const rate = (draftLength: number) => {
    const tokens = expectedTokens(acceptance, draftLength)
    const steps = { draftLength, drafted: Math.min(draftLength, tokens), skips: true }
    return tokens / (targetPassSeconds(costs, draftLength + 1) + draftStepsSeconds(costs, steps))
  }
  let best = 1
  for (let draftLength = 2; draftLength <= most; draftLength++) if (rate(draftLength) > rate(best)) best = draftLength
  return best
}
