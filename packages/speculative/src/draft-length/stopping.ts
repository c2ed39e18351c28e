import type { Offer } from '../drafter/drafter'
import { type StepCosts, targetPassSeconds } from './step-costs'

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
 * The confidence p(x) from which on drafting behind a token x pays: p(x)·a/r > d + t, where a is the acceptance of what follows
 * an accepted token, r the tokens a second as things go, d a draft step and t a further row of the target. In hundredths, at most
 * 0.95.
 */
export function stopThreshold(
  costs: StepCosts,
  { draftLength, acceptance, rate }: { draftLength: number; acceptance: number; rate: number },
): number {
  const row = (targetPassSeconds(costs, draftLength + 1) - targetPassSeconds(costs, 1)) / draftLength
  return Math.min(0.95, Math.round(((costs.draftSeconds + row) * rate * 100) / acceptance) / 100)
}
