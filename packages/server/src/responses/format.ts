import type { ScoredPromptToken } from '@outrider/transformer'
import type { Ending } from '../engine/job'
import type { ToolDelta } from '../tools/tool-stream'
import type { EchoedToken, PlacedToken } from './sequence-scores'

/** Some of an answer, as it is given. */
export interface Given {
  text: string
  /** What belongs to calls of tools, apart from the text. */
  calls?: readonly ToolDelta[] | undefined
  /** Scored tokens of the text; undefined where none were asked for. */
  scores: PlacedToken[] | undefined
  /** Whether tokens are named by their ids. Default false. */
  tokensAsIds?: boolean | undefined
}

/** A text with its prompt. */
export interface Echoed extends Omit<Given, 'scores'> {
  scores: EchoedToken[] | undefined
}

/** A whole answer. */
export interface Whole extends Given {
  /** Where they were asked for, the ids of the prompt, and of the answer, an end token among them. */
  ids?: { prompt: readonly number[]; answer: readonly number[] } | undefined
  /** Of the prompt's tokens but the first, where they were asked for. */
  promptScores?: readonly ScoredPromptToken[] | undefined
  /** The prompt, where it comes before the answer. */
  echo?: readonly number[] | undefined
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
  opening(index: number): object[]
  chunk(given: Given, index: number): object
  /** The chunk that says why the answer ends. */
  closing(ending: ToldEnding, metrics: object | undefined, index: number): object
  /** The chunk after that, for those who ask for it. */
  usage(usage: Usage, metrics: object | undefined): object
  /** One whole answer, and the response of all. */
  choice(given: Whole, ending: ToldEnding, index: number): object
  whole(choices: object[], given: readonly Whole[], usage: Usage, metrics: object | undefined): object
}
