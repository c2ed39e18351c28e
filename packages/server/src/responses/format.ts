import type { Ending } from '../engine/job'
import type { ToolDelta } from '../tools/tool-stream'
import type { PlacedToken } from './sequence-scores'
import type { ToldPrompt } from './told-prompt'

/** Some of an answer, as it is given. */
export interface Given {
  text: string
  /** What belongs to calls of tools, apart from the text. */
  calls?: readonly ToolDelta[] | undefined
  /** Scored tokens of the text; undefined where none were asked for. */
  scores: PlacedToken[] | undefined
  /** Whether tokens are named by their ids. Default false. */
  tokensAsIds?: boolean | undefined
  /** Of its tokens, an end token among them, where they were asked for. */
  ids?: readonly number[] | undefined
}

/** A whole answer. */
export interface Whole extends Given {
  prompt: ToldPrompt
}

/** Some of a streamed answer. */
export interface Streamed extends Given {
  /** Of the prompt, with what comes first. */
  prompt?: ToldPrompt | undefined
}

export interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  /** Of the prompt: tokens that had been read for another request, and were not read again. */
  prompt_tokens_details?: { cached_tokens: number }
  /** Of answers that were speculated: tokens drafted, which count whether or not they came into the answer. */
  completion_tokens_details?: { accepted_prediction_tokens: number; rejected_prediction_tokens: number }
}

/** How an answer ended, as clients are told. */
export type ToldEnding = Omit<Ending, 'finishReason'> & { finishReason: Ending['finishReason'] | 'tool_calls' }

/** How an endpoint writes its answers: whole, or in chunks of a stream. An index says which of several answers it is. */
export interface Format {
  /** The chunk before any text, if there is one. */
  opening(index: number, prompt: ToldPrompt): object[]
  chunk(given: Streamed, index: number): object
  /** The chunk that says why the answer ends, with what is left of it: no text. */
  closing(ending: ToldEnding, metrics: object | undefined, given: Streamed, index: number): object
  /** The chunk after that, for those who ask for it. */
  usage(usage: Usage, metrics: object | undefined): object
  /** One whole answer, and the response of all. */
  choice(given: Whole, ending: ToldEnding, index: number): object
  whole(choices: object[], given: readonly Whole[], usage: Usage, metrics: object | undefined): object
}
