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
  /** Jobs that it has. */
  readonly count: number
  /** Whether a job can begin now, beside those that are there. */
  fits(request: GenerationRequest): boolean
  /**
   * Memory of the device that the cache of the batch takes at most, beside what it takes now, for those that have begun, and such a job
   * with them if it is given; 0 where nobody says.
   */
  growth(request?: GenerationRequest): number
  /** Why such a job can never begin, if it cannot: there is too little memory for it, even alone. */
  refusal?(request: GenerationRequest): Error | undefined
  /** Frees what can be made again, where memory is short. Between steps. */
  trim(): void
  /** Takes a job in. */
  begin(job: Job): void
  /** Brings every job one step on: adds pieces, finishes and lets go of those that end. */
  step(): Promise<void>
  /** Lets go of a job that nobody waits for any more. */
  drop(job: Job): Promise<void>
}
