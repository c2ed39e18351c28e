import { sleep } from './sleep'

/** Places at the beginning, doubled by every round that goes well. */
const atFirst = 4

/** Where a token takes so many times what it took at best, more requests at once would only wait. */
const slow = 4

/**
 * How many requests are at the endpoint at once: additive increase, multiplicative decrease (Chiu and Jain 1989), as TCP has
 * it. It starts small and doubles a round until the engine is first too busy, then grows by one a round; it is halved when the
 * engine says that it is too busy or does not answer in time, once for all requests that were under way then; and it does not
 * grow while a token takes four times what it took at best.
 */
export class Pace {
  readonly #most: number
  #limit: number
  #running = 0
  #doubles = true
  /** Requests begun before then say nothing of the limit as it is now. */
  #cutAt = Number.NEGATIVE_INFINITY
  #pausedUntil = Number.NEGATIVE_INFINITY
  #fastest = Number.POSITIVE_INFINITY
  #waiting: (() => void)[] = []

  constructor(most: number) {
    this.#most = most
    this.#limit = Math.min(atFirst, most)
  }

  /** Requests that may be under way at once. */
  get limit(): number {
    return Math.floor(this.#limit)
  }

  /** Waits for a place. Whoever has one gives it back by `answered`, `tooMuch` or `leave`. */
  async enter(signal: AbortSignal): Promise<number> {
    for (;;) {
      signal.throwIfAborted()
      const now = performance.now()
      if (now < this.#pausedUntil) await sleep(this.#pausedUntil - now, signal)
      else if (this.#running < this.limit) {
        this.#running++
        return now
      } else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** The request that began then was answered with so many tokens. */
  answered(begun: number, tokens: number, now = performance.now()): void {
    const each = (now - begun) / Math.max(1, tokens)
    this.#fastest = Math.min(this.#fastest, each)
    if (begun >= this.#cutAt && each <= slow * this.#fastest)
      this.#limit = Math.min(this.#most, this.#limit + (this.#doubles ? 1 : 1 / this.#limit))
    this.leave()
  }

  /** The engine had too much to do for the request that began then, and nothing is asked of it for so long. */
  tooMuch(begun: number, pauseSeconds = 0, now = performance.now()): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, now + pauseSeconds * 1000)
    if (begun >= this.#cutAt) {
      this.#limit = Math.max(1, this.#limit / 2)
      this.#doubles = false
      this.#cutAt = now
    }
    this.leave()
  }

  leave(): void {
    this.#running--
    for (const wake of this.#waiting.splice(0)) wake()
  }
}
