/** What a block did, as far as the draft length depends on it. */
export interface BlockObservation {
  drafted: number
  accepted: number
  /** Tokens of the block that belong to the answer: fewer than `accepted` + 1 where it ended inside. */
  delivered?: number | undefined
  /** From the first draft step to the readback. */
  seconds: number
}

/** Decides how many tokens to draft. It sees past blocks only, so any policy leaves the distribution exact. */
export interface DraftLengthPolicy {
  /** γ of the next block; 0 decodes plainly. The decoder may draft fewer, near the end of the context or of the answer. */
  next(): number
  observe(block: BlockObservation): void
}

/** Verification rows beyond 16 are not bit-identical to decoding rows. */
export const maxDraftLength = 15

/** Always γ tokens. */
export function fixedDraftLength(draftLength: number): DraftLengthPolicy {
  return { next: () => draftLength, observe: () => {} }
}
