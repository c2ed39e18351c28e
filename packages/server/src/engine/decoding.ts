import type { GenerationRequest } from '../requests/generation-request'
import type { Job } from './job'

/** What was asked and answered, in tokens. */
export interface AnsweredTokens {
  prompt: readonly number[]
  tokens: readonly number[]
}

export type OnAnswer = (answer: AnsweredTokens) => void

/** A way of decoding several jobs together. The engine begins and drops jobs between steps. */
export interface Decoding {
  /** Whether a job can begin now, beside those that are there. */
  fits(request: GenerationRequest): boolean
  /** Takes a job in. */
  begin(job: Job): void
  /** Brings every job one step on: adds pieces, finishes and lets go of those that end. */
  step(): Promise<void>
  /** Lets go of a job that nobody waits for any more. */
  drop(job: Job): Promise<void>
}
