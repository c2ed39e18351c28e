import { type ApiError, queueFull } from '../api-error'
import { oneAtATime } from '../requests/one-at-a-time'

export interface PassesOptions {
  /** What comes before it waits. */
  ready: Promise<unknown>
  /** The most that wait. */
  queueLimit: number
  /** Why nothing new is computed, if so. */
  closed: () => ApiError | undefined
  /** Waits until the device has memory for a pass and so many bytes more; returns what gives it back. Default it has. */
  room?: ((bytes: number, signal: AbortSignal) => Promise<() => void>) | undefined
}

/**
 * Passes over texts that are there (scores of prompts, embeddings), one after another, between the steps of what is decoded: each
 * takes memory for a piece of its text, and none is sooner done beside others.
 */
export class Passes {
  readonly #options: PassesOptions
  readonly #inTurn = oneAtATime()
  readonly #ending = new AbortController()
  #open = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: PassesOptions) {
    this.#options = options
  }

  /**
   * Computes when its turn has come.
   *
   * @param signal  of who asked: what nobody waits for any more is not begun
   * @param bytes   memory of the device that is taken beside that of a pass
   * @throws ApiError 429 where the queue is full, 503 where the server is closed; what `compute` throws
   */
  async run<Result>(
    compute: (signal: AbortSignal) => Promise<Result>,
    signal: AbortSignal,
    bytes = 0,
  ): Promise<Result> {
    const { queueLimit, ready, closed, room } = this.#options
    this.#assertOpen(closed)
    if (this.#open > queueLimit) throw queueFull(queueLimit, 1)
    this.#open++
    const either = AbortSignal.any([signal, this.#ending.signal])
    const result = this.#inTurn(async () => {
      await ready
      this.#assertOpen(closed)
      const giveBack = await room?.(bytes, either)
      try {
        return await compute(either)
      } finally {
        giveBack?.()
      }
    })
      .catch((error: unknown) => {
        throw this.#ending.signal.aborted ? (closed() ?? error) : error
      })
      .finally(() => this.#open--)
    this.#last = result.catch(() => undefined)
    return result
  }

  /** Resolves when what is computed has ended; once `closed` says so, what waits is refused. */
  async drain(): Promise<void> {
    await this.#last
  }

  /** Ends what is computed, between two pieces of it. */
  breakOff(): void {
    this.#ending.abort()
  }

  #assertOpen(closed: () => ApiError | undefined): void {
    const error = closed()
    if (error) throw error
  }
}
