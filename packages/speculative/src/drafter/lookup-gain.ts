import { autoDraftLength } from '../draft-length/auto'
import { type DraftLengthPolicy, maxDraftLength } from '../draft-length/policy'
import { type StepCosts, targetPassSeconds } from '../draft-length/step-costs'
import { promptSession } from './prompt-lookup'

/** Tokens before which nothing is said of the gain. */
const enoughTokens = 64

/**
 * What prompt lookup would have gained in answers that were decoded without it. No model runs: their tokens are known, so what
 * would have been looked up is compared with them, and costs are summed that were measured or declared. A draft that is certain
 * of its tokens is accepted as often as the target says the same, so on average this is what it comes to.
 */
export class LookupGain {
  readonly #costs: StepCosts
  readonly #policy: DraftLengthPolicy
  #tokens = 0
  #seconds = 0

  /** @param options.costs  of the target's passes; their ratios are enough */
  constructor({ costs }: { costs: StepCosts }) {
    this.#costs = costs
    this.#policy = autoDraftLength({ costs, learnsTimes: false })
  }

  /** Goes through an answer, block by block, as lookups with automatic draft lengths would have. */
  add(prompt: readonly number[], answer: readonly number[]): void {
    const session = promptSession(1, prompt.length + answer.length)
    const tokens = [...prompt, ...answer.slice(0, 1)] // the prompt's pass brings the first
    for (let at = 1; at < answer.length; ) {
      const choice = this.#policy.next(session.offers(tokens, Math.min(maxDraftLength, answer.length - at - 1)))
      const ids = (choice && session.draft({ tokens, ...choice }))?.ids ?? []
      const wrong = ids.findIndex((id, i) => id !== answer[at + i])
      const accepted = wrong < 0 ? ids.length : wrong
      const seconds = targetPassSeconds(this.#costs, ids.length + 1)
      this.#policy.observe({ drafted: ids.length, accepted, seconds, offer: choice?.offer })
      tokens.push(...answer.slice(at, at + accepted + 1))
      this.#tokens += accepted + 1
      this.#seconds += seconds
      at += accepted + 1
    }
  }

  /** Seconds of plain passes over those with lookups; null while there is little to go by. */
  get speedUp(): number | null {
    return this.#tokens < enoughTokens ? null : (this.#tokens * targetPassSeconds(this.#costs, 1)) / this.#seconds
  }
}
