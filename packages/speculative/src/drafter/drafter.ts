import type { Device, Tensor } from '@outrider/tensor'
import type { Sampling } from '@outrider/transformer'

/** What is asked of a drafter for one block. */
export interface DraftRequest {
  /** Prompt and answer so far. */
  tokens: readonly number[]
  /** The most tokens to draft, at least 1. */
  draftLength: number
  /** How probabilities are made of logits; the target's are made in the same way. */
  sampling: Sampling
  /** Random numbers for draft token i come from `philox(sampling.seed, offset + i)` and no others. */
  offset: number
}

/** A drafted continuation, on the device. It belongs to the scope in which it was drafted. */
export interface Draft {
  /** The drafted ids, u32 [n]. */
  tokens: Tensor
  /** p, f32 [n, V]: row i is the very distribution that token i was drawn from, given the tokens before it. */
  probabilities: Tensor
  /**
   * How many of the tokens are proposed, u32 [1], where the draft may end before its rows do; without it all. What lies behind is
   * neither verified nor counted. It may depend on the proposed tokens, never on one that is not: a token that is drawn and then
   * withheld because of what it is changes the distribution.
   */
  count?: Tensor | undefined
  /** Whether they are the session's own, to be written again by later drafts. Else they belong to the scope of the call. */
  lasting?: boolean
}

/** Names the memory that a draft lies in. */
export const memoryOf = ({ tokens, probabilities, count }: Draft): string =>
  [tokens, probabilities, count].map((tensor) => tensor?.storage.id).join()

/** A drafter's work on one sequence. */
export interface DraftSession {
  /**
   * Drafts up to `draftLength` tokens; fewer, or null, where it has nothing to say or no room. Synchronous: ids stay on
   * the device. How many are drafted may depend on the tokens before, not on those drawn; for that there is `Draft.count`.
   */
  draft(request: DraftRequest): Draft | null
  /**
   * Called after each draft, once it is verified: the sequence keeps this many tokens of the request and the draft.
   *
   * @param proposed  how many of the drafted tokens were proposed; left out, all
   */
  keep(length: number, proposed?: number): void
  /** Frees the session's memory. */
  dispose(): void
}

export interface SessionOptions {
  device: Device
  /** V: columns of p, the target's vocabulary. */
  vocabularySize: number
  /** Tokens that the sequence may grow to. */
  capacity: number
}

/** Whatever can propose tokens: a small model, n-grams of the prompt, or an engine's own. */
export interface Drafter {
  readonly name: string
  /** For the memory-bound speed-up; 0 for a drafter without a model. */
  readonly parameterCount: number
  open(options: SessionOptions): DraftSession
}
