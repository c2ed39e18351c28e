import type { FinishReason, ScoredToken } from '@outrider/transformer'

/**
 * Where a token comes from: drafted and accepted; the target's, where a draft was rejected; its extra token after a draft
 * that was accepted whole; or a pass without a draft.
 */
export type TokenSource = 'draft' | 'correction' | 'bonus' | 'plain'

/** Text that became certain, with the token that it comes from: its place in the answer, and its source. */
export interface TextPiece {
  index: number
  text: string
  source: TokenSource
  /** Who drafted it, as in `Block.drafter`; undefined for a token that the target gave. */
  drafter?: string
}

/** Tokens that became certain together: one pass of the target. */
export interface Block {
  tokens: number[]
  /** The source of each token. */
  sources: TokenSource[]
  /** `text` by token. What an earlier block held back comes first, as the earlier block's tokens. */
  pieces: TextPiece[]
  /** The text that became certain; a character or a stop text that is only begun is held back. */
  text: string
  drafted: number
  /** Who drafted: 'prompt', 'answers', 'model', or what a drafter of your own calls itself. Undefined where nothing was drafted. */
  drafter?: string
  /** Drafted tokens that the target accepted; of the last block those up to the end of the answer. */
  accepted: number
  /** The drafted ids that the target refused; the last token, a correction, is in their place. */
  rejected: number[]
  /** With `logProbabilities`: what the target thought of each token. */
  scored?: ScoredToken[]
  /** Of the last block: why the answer ends. */
  finishReason?: FinishReason
}
