import type { BatchSequence } from './continuous-batch'
import type { GenerateOptions } from './generate'
import type { ScoredToken } from './log-probabilities'
import type { ReadPrompt } from './read-prompt'

/** What a step of a batch added to one of its sequences. */
export interface AddedTokens {
  sequence: BatchSequence
  tokens: readonly number[]
  /** Of each of the tokens, where it was asked for. */
  scored?: readonly ScoredToken[] | undefined
  /** What each was said from, where it was asked for (see `BatchToken`). */
  hidden?: Uint16Array | undefined
}

/** A batch that requests are answered in (`answerEach`): a `ContinuousBatch`, or one that speculates. */
export interface AnsweringBatch {
  /** How many sequences are being decoded. */
  readonly count: number
  /** Whether a sequence of so many tokens, prompt and answer, can join now. */
  fits(tokens: number): boolean
  /** Adds a sequence that goes on from the prompt. Throws what is wrong with the request, and where it does not fit. */
  join(prompt: ReadPrompt, options: GenerateOptions): BatchSequence
  /** Adds tokens to each sequence, at least one; those that end leave. */
  step(): Promise<readonly AddedTokens[]>
  /** Ends all sequences. */
  dispose(): void
}
