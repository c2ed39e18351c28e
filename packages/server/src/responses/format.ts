import type { Ending } from '../engine/job'
import type { PlacedToken } from './sequence-scores'

/** Some of an answer, as it is given. */
export interface Given {
  text: string
  /** Scored tokens of the text; undefined where none were asked for. */
  scores: PlacedToken[] | undefined
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
  whole(given: Given, ending: Ending, usage: Usage, metrics: object | undefined): object
}
