import type { Answer, GenerateOptions } from '@outrider/transformer'
import type { Block } from '../block'
import type { Target } from '../decoder'
import type { DraftLengthPolicy } from '../draft-length/policy'
import type { Drafter } from '../drafter/drafter'
import type { SpeculationMetrics } from '../metrics'

export interface SpeculativeJoinOptions extends GenerateOptions {
  /**
   * γ, 0 to 15, or a policy, which are obeyed; 0 decodes plainly. 'auto', of a batch that knows `costs`: in every step as far as it
   * brings all sequences together the most tokens a second, by clock and load. An answer with a seed repeats itself under a policy that looks at no clock, and is
   * then the one that `SpeculativeDecoder` gives alone under it. A policy may be shared by several sequences.
   */
  draftLength: number | DraftLengthPolicy | 'auto'
  /** Who drafts for this sequence. Default the batch's drafter. */
  drafter?: Target | Drafter | undefined
}

/** A sequence that a batch decodes. */
export interface SpeculativeSequence {
  /** What has been answered so far. */
  readonly answer: Answer
  readonly promptTokens: number
  /** Those of them that the target knew, and did not read (`prefixes`); 0 before the prompt has been read. */
  readonly cachedTokens: number
  /** Counts of its blocks. The seconds of a block are those of the step, which others share. */
  readonly metrics: SpeculationMetrics
}

/** What a step of the batch added to one sequence. */
export interface SequenceBlock extends Block {
  sequence: SpeculativeSequence
}
