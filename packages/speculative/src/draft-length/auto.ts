import type { Offer } from '../drafter/drafter'
import { Acceptance } from './acceptance'
import { Drift } from './drift'
import { expectedTokens } from './expected-tokens'
import { type DraftChoice, type DraftLengthPolicy, maxDraftLength } from './policy'
import { Probes } from './probes'
import {
  catchUpSeconds,
  draftPassSeconds,
  draftStepsSeconds,
  type StepCosts,
  skipsPay,
  targetPassSeconds,
} from './step-costs'
import { StoppedDrafts, stoppedLength, stopThreshold } from './stopping'

/** Drafts that may end early are timed apart, whatever they come to. */
const stoppedName = ({ source }: Offer) => `${source}, stopped`

/** How much faster drafts that may end early must be: less is noise, and they are not taken untried. */
const leastGain = 1.02

/** A choice, and the tokens a second that it is likely to bring. */
type Rated = DraftChoice & { rate: number }

export interface AutoDraftLengthOptions {
  /** What steps cost. */
  costs: StepCosts
  /**
   * Whether the seconds of blocks correct the costs: contexts grow, machines get busy. Default true. Without it γ follows from
   * the costs and from what was accepted, and the same seed gives the same tokens whatever the load.
   */
  learnsTimes?: boolean
  /**
   * Whether drafts may be asked to end early, where costs say that a step that is left out saves something (`skippedSeconds`):
   * beside each of an offer that `stops` stands one that ends behind a token behind which another would cost more than it is likely
   * to bring (`stopThreshold`). Which of the two is taken is decided by what they brought. Default false.
   */
  stops?: boolean
  /** γ of every block, of what the drafter offers first: then it chooses alone where drafts end. Default any γ, and none. */
  draftLength?: number | undefined
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
  stops = false,
  draftLength: fixed,
  limit = maxDraftLength,
  memory = 32,
  probeInterval = 64,
}: AutoDraftLengthOptions): DraftLengthPolicy {
  const acceptance = new Acceptance(limit, memory)
  const stopped = new StoppedDrafts(memory)
  const probes = new Probes(probeInterval)
  const drift = new Drift()
  /** The rate of the next best to what was chosen last. */
  let toBeat = 0

  /** Of a block; what a model has yet to read before it is charged as `charged` says. */
  const seconds = (
    draftLength: number,
    offer?: Offer,
    { charged = (unread: number) => unread, drafted = draftLength, skips = true } = {},
  ) => {
    const pass = targetPassSeconds(costs, draftLength + 1)
    if (draftLength === 0 || offer?.unread === undefined) return pass
    if (offer.parallel) return pass + draftPassSeconds(costs, charged(offer.unread) + draftLength - 1)
    const steps = draftStepsSeconds(costs, { draftLength, drafted, skips })
    return pass + steps + catchUpSeconds(costs, charged(offer.unread))
  }
  /** A block pays for reading what other drafts than the model's have left to it; a prompt, read once, is shared. */
  const share = (unread: number) => Math.max(Math.min(unread, maxDraftLength + 1), unread / memory)
  const plainRate = () => 1 / (seconds(0) * drift.of(0))
  const lengthsOf = (offer: Offer) => {
    const most = Math.min(limit, offer.length)
    return fixed === undefined ? ([1, most] as const) : ([Math.min(fixed, most), Math.min(fixed, most)] as const)
  }
  const fastestOf = (offer: Offer): Rated => {
    const at = acceptance.of(offer)
    const rate = (draftLength: number) =>
      expectedTokens(at, draftLength) /
      (seconds(draftLength, offer, { charged: share }) * drift.of(draftLength, offer.source))
    const [least, most] = lengthsOf(offer)
    let best: Rated = { offer, draftLength: least, rate: rate(least) }
    for (let draftLength = least + 1; draftLength <= most; draftLength++)
      if (rate(draftLength) > best.rate) best = { offer, draftLength, rate: rate(draftLength) }
    return best
  }
  /** The same offer, ending early: steps in vain are left out then, so it may be longer. */
  const stoppingOf = (fastest: Rated): Rated => {
    const { offer, draftLength, rate } = fastest
    const slow = drift.of(draftLength, offer.source)
    const at = acceptance.of(offer)
    const confidence = stopThreshold(costs, { acceptance: at(0), rate: Math.max(rate, plainRate()) * slow })
    // Before one was timed, such a block is as slow as one without a stop.
    const slowness = leastGain * (drift.observed(1, stoppedName(offer)) ?? slow)
    return {
      offer,
      stop: { confidence },
      draftLength: fixed === undefined ? stoppedLength(costs, at, lengthsOf(offer)[1]) : draftLength,
      rate: stopped.rate(offer, rate * slow, seconds(0)) / slowness,
    }
  }
  const ways = (offer: Offer): Rated[] => {
    const fastest = fastestOf(offer)
    return stops && skipsPay(costs) && offer.stops ? [fastest, stoppingOf(fastest)] : [fastest]
  }

  return {
    next(offers) {
      const choices = (fixed === undefined ? offers : offers.slice(0, 1)).flatMap(ways)
      const plain = fixed === undefined ? plainRate() : 0
      const best = choices.reduce<(typeof choices)[number] | null>(
        (best, choice) => (choice.rate > (best?.rate ?? plain) ? choice : best),
        null,
      )
      const chosen = probes.next(choices, best) ?? best
      toBeat = Math.max(plain, ...choices.filter((choice) => choice !== chosen).map(({ rate }) => rate))
      return chosen
    },
    observe({ drafted, computed = drafted, skips, accepted, seconds: taken, offer, stop }) {
      if (learnsTimes) {
        const ratio = taken / seconds(computed, offer, { drafted, skips })
        if (stop && offer) drift.observe(ratio, 1, stoppedName(offer))
        else drift.observe(ratio, computed, offer?.source)
      }
      if (drafted === 0 || !offer) return
      // What ends early is accepted more often: it says nothing about drafts that do not.
      if (stop)
        stopped.observe(offer, {
          tokens: accepted + 1,
          seconds: seconds(computed, offer, { charged: share, drafted, skips }),
        })
      else acceptance.observe(offer, { drafted, accepted })
      const fastest = fastestOf(offer)
      probes.observe({ offer, stop }, (stop ? stoppingOf(fastest) : fastest).rate > toBeat)
    },
  }
}
