import type { FinishReason, ScoredToken } from '@outrider/transformer'
import type { GenerationRequest } from '../requests/generation-request'
import type { SpeculativeDecodingReport } from './speculation-report'

/** Some of an answer: one token of it, or a block. */
export interface Piece {
  tokens: readonly number[]
  /** The text that has become certain. */
  text: string
  scored?: readonly ScoredToken[] | undefined
}

/** How an answer ended. */
export interface Ending {
  finishReason: FinishReason
  speculation?: SpeculativeDecodingReport
}

/** Who is told of a job's progress, as it happens. */
export interface JobObserver {
  added(job: Job, tokens: number): void
  ended(job: Job): void
}

export type JobState = 'waiting' | 'running' | 'finished' | 'failed' | 'aborted'

/**
 * One request on its way through the engine. The engine adds pieces and never waits; whoever delivers them iterates at the
 * client's pace. What piles up meanwhile is at most the answer.
 */
export class Job implements AsyncIterable<Piece> {
  readonly request: GenerationRequest
  /** Seconds of the server's clock. */
  readonly submitted: number
  started: number | undefined
  firstToken: number | undefined
  lastToken: number | undefined
  /** Tokens of its prompt that did not have to be read; known with its first piece. */
  cachedTokens = 0
  /** Tokens generated so far. */
  tokens = 0
  state: JobState = 'waiting'
  ending: Ending | undefined
  readonly #observer: JobObserver
  readonly #pieces: Piece[] = []
  #error: unknown
  #wake: (() => void) | undefined

  constructor(request: GenerationRequest, submitted: number, observer: JobObserver) {
    this.request = request
    this.submitted = submitted
    this.#observer = observer
  }

  get open(): boolean {
    return this.state === 'waiting' || this.state === 'running'
  }

  add(piece: Piece): void {
    if (!this.open) return
    this.tokens += piece.tokens.length
    this.#pieces.push(piece)
    this.#observer.added(this, piece.tokens.length)
    this.#wake?.()
  }

  finish(ending: Ending): void {
    if (!this.open) return
    this.ending = ending
    this.#close('finished')
  }

  /** Ends the job with an error, which its reader gets after the pieces that came before. */
  fail(error: unknown): void {
    if (!this.open) return
    this.#error = error
    this.#close('failed')
  }

  /** The client has left: nothing more is computed. */
  abort(): void {
    if (!this.open) return
    this.#pieces.length = 0
    this.#close('aborted')
  }

  /**
   * Waits until the answer has begun, or has ended without one, or the time is over.
   *
   * @returns whether there is something to deliver
   * @throws what the job failed with before its first piece: then a status can still say so
   */
  async begun({ withinMilliseconds }: { withinMilliseconds: number }): Promise<boolean> {
    let over = false
    const timer = setTimeout(() => {
      over = true
      this.#wake?.()
    }, withinMilliseconds)
    while (!over && this.open && this.#pieces.length === 0) await this.#next()
    clearTimeout(timer)
    if (this.state === 'failed' && this.#pieces.length === 0) throw this.#error
    return !this.open || this.#pieces.length > 0
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Piece, void, undefined> {
    for (;;) {
      const piece = this.#pieces.shift()
      if (piece) yield piece
      else if (this.state === 'failed') throw this.#error
      else if (!this.open) return
      else await this.#next()
    }
  }

  /** Something has happened. */
  #next(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }

  #close(state: JobState): void {
    this.state = state
    this.#observer.ended(this)
    this.#wake?.()
  }
}
