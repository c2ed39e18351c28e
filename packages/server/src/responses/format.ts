import type { Ending } from '../engine/job'
import type { PlacedToken } from './sequence-scores'

/** Some of an answer, as it is given. */
export interface Given {
  text: string
  /** Scored tokens of the text; undefined where none were asked for. */
  scores: PlacedToken[] | undefined
}

/** A whole answer. */
export interface Whole extends Given {
  /** Where they were asked for, the ids of the prompt, and of the answer, an end token among them. */
  ids?: { prompt: readonly number[]; answer: readonly number[] } | undefined
}

export interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
}

/** How an endpoint writes its answers: whole, or in chunks of a stream. */
export interface Format {
  /** The chunk before any text, if there is one. */
  opening(): object[]
  chunk(given: Given): object
  /** The chunk that says why the answer ends. */
  closing(ending: Ending, metrics: object | undefined): object
  /** The chunk after that, for those who ask for it. */
  usage(usage: Usage, metrics: object | undefined): object
  whole(given: Whole, ending: Ending, usage: Usage, metrics: object | undefined): object
}
