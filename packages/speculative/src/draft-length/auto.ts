import type { Offer } from '../drafter/drafter'
import { Acceptance } from './acceptance'
import { expectedTokens } from './expected-tokens'
import { type DraftChoice, type DraftLengthPolicy, maxDraftLength } from './policy'
import { Probes } from './probes'
import { catchUpSeconds, type StepCosts, targetPassSeconds } from './step-costs'

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
  /** Drafts of a kind after which an observation counts 1/e. Default 32. */
  memory?: number
  /**
   * Blocks for which a kind of draft is passed over before it is probed, whether it pays again; doubles with each probe that
   * finds that it does not, 8 times at most. Default 64.
   */
  probeInterval?: number
}

/**
 * The draft that maximises expected tokens per second, among those offered and all their lengths: from the measured acceptance
 * of each source, kind and position, and what steps cost. Where plain decoding is faster nothing is drafted. What is passed
 * over is probed with a few blocks now and then.
 * Deterministic given what it observes.
 */
export function autoDraftLength({
  costs,
  learnsTimes = true,
  limit = maxDraftLength,
  memory = 32,
  probeInterval = 64,
}: AutoDraftLengthOptions): DraftLengthPolicy {
  const acceptance = new Acceptance(limit, memory)
  const probes = new Probes(probeInterval)
  /** Observed over predicted seconds, of plain blocks and by source; of one that has not drafted yet as of plain blocks. */
  const drift = new Map<string | undefined, number>()
  const driftOf = (source?: string) => drift.get(source) ?? drift.get(undefined) ?? 1
  /** The rate of the next best to what was chosen last. */
  let toBeat = 0

  /** Of a block; what a model has yet to read before it is charged as `charged` says. */
  const seconds = (draftLength: number, offer?: Offer, charged = (unread: number) => unread) => {
    const pass = targetPassSeconds(costs, draftLength + 1)
    if (draftLength === 0 || offer?.unread === undefined) return pass
    return pass + draftLength * costs.draftSeconds + catchUpSeconds(costs, charged(offer.unread))
  }
  /** A block pays for reading what other drafts than the model's have left to it; a prompt, read once, is shared. */
  const share = (unread: number) => Math.max(Math.min(unread, maxDraftLength + 1), unread / memory)
  const plainRate = () => 1 / (seconds(0) * driftOf())
  const fastestOf = (offer: Offer): DraftChoice & { rate: number } => {
    const at = acceptance.of(offer)
    const slow = driftOf(offer.source)
    const rate = (draftLength: number) => expectedTokens(at, draftLength) / (seconds(draftLength, offer, share) * slow)
    let best = { offer, draftLength: 1, rate: rate(1) }
    for (let draftLength = 2; draftLength <= Math.min(limit, offer.length); draftLength++)
      if (rate(draftLength) > best.rate) best = { offer, draftLength, rate: rate(draftLength) }
    return best
  }

  return {
    next(offers) {
      const choices = offers.map(fastestOf)
      const plain = plainRate()
      const best = choices.reduce<(typeof choices)[number] | null>(
        (best, choice) => (choice.rate > (best?.rate ?? plain) ? choice : best),
        null,
      )
      const chosen = probes.next(choices, best) ?? best
      toBeat = Math.max(plain, ...choices.filter(({ offer }) => offer !== chosen?.offer).map(({ rate }) => rate))
      return chosen
    },
    observe({ drafted, accepted, seconds: taken, offer }) {
      if (learnsTimes) {
        const source = drafted > 0 ? offer?.source : undefined
        const before = driftOf(source)
        const ratio = Math.min(Math.max(taken / seconds(drafted, offer), 0.25), 4)
        drift.set(source, before + (ratio - before) * 0.1)
      }
      if (drafted === 0 || !offer) return
      acceptance.observe(offer, { drafted, accepted })
      probes.observe(offer, fastestOf(offer).rate > toBeat)
    },
  }
}
