import { OutriderError } from '@outrider/tensor'
import type { DraftStop } from '../drafter/draft-stop'
import type { Offer } from '../drafter/drafter'

/** What a block did, as far as the draft length depends on it. */
export interface BlockObservation {
  drafted: number
  accepted: number
  /** The offer that was taken; undefined where nothing was drafted. */
  offer?: Offer | undefined
  /** Where it was to end early, by choice of the policy. */
  stop?: DraftStop | undefined
  /** Drafted positions that the target's pass was over: more than `drafted` where the draft ended early. Default `drafted`. */
  computed?: number | undefined
  /** Whether draft steps behind the end were left out. */
  skips?: boolean | undefined
  /** Tokens of the block that belong to the answer: fewer than `accepted` + 1 where it ended inside. */
  delivered?: number | undefined
  /** From the first draft step to the readback. */
  seconds: number
}

/** A draft to be made: one of the offers, and how many tokens of it. */
export interface DraftChoice {
  offer: Offer
  /** γ, at least 1; what is beyond the offer's length is not drafted. */
  draftLength: number
  /** Where it ends before, of an offer that `stops`. Left out, nowhere, but where the decoder or the drafter says so. */
  stop?: DraftStop | undefined
}

/**
 * Decides whose draft is taken, and how many tokens. It sees past blocks and what could be drafted, never what would be drawn, so
 * any policy leaves the distribution exact.
 */
export interface DraftLengthPolicy {
  /** What to draft in the next block; null decodes plainly. Offers are in the drafter's order, and there may be none. */
  next(offers: readonly Offer[]): DraftChoice | null
  observe(block: BlockObservation): void
}

/** Verification rows beyond 16 are not bit-identical to decoding rows. */
export const maxDraftLength = 15

/**
 * A policy as it is, or γ as one.
 *
 * @param others  what else may be given, as the error says it
 * @throws OutriderError INVALID_ARGUMENT for a γ that is no whole number from 0 to 15
 */
export function draftLengthPolicy(draftLength: number | DraftLengthPolicy, others = 'a policy'): DraftLengthPolicy {
  if (typeof draftLength === 'object') return draftLength
  if (Number.isInteger(draftLength) && draftLength >= 0 && draftLength <= maxDraftLength)
    return fixedDraftLength(draftLength)
  throw new OutriderError(
    'INVALID_ARGUMENT',
    `draftLength is ${draftLength}; it must be ${others} or a whole number from 0 to ${maxDraftLength}.`,
    { remedy: 'Longer drafts are rarely accepted whole.' },
  )
}

/** Always up to γ tokens, of the first that offers any. */
export function fixedDraftLength(draftLength: number): DraftLengthPolicy {
  return {
    next: ([offer]) => (offer && draftLength > 0 ? { offer, draftLength: Math.min(draftLength, offer.length) } : null),
    observe: () => {},
  }
}
