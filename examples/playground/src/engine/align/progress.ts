import type { StageName } from './plan'

/** How far a stage is. */
export interface StageProgress {
  done: number
  total: number
  /** Rows or steps a second, and seconds left, while it runs. */
  rate?: number
  secondsLeft?: number
  /** Tokens a second through the model that works. */
  tokensPerSecond?: number
}

/** The rate of a stage since it began to run, and what is left by it. */
export class Pace {
  readonly #began = performance.now()
  #first: number | undefined

  /** Notes what was there when the stage began; only the first call counts. */
  from(done: number): this {
    this.#first ??= done
    return this
  }

  /** @param tokens  since it began, where they are counted */
  at(done: number, total: number, tokens?: number): StageProgress {
    const seconds = (performance.now() - this.#began) / 1000
    const rate = (done - this.from(done).#first!) / seconds
    if (!(rate > 0 && Number.isFinite(rate))) return { done, total }
    const secondsLeft = (total - done) / rate
    return { done, total, rate, secondsLeft, ...(tokens !== undefined && { tokensPerSecond: tokens / seconds }) }
  }
}

export type Stages = Record<StageName, StageProgress>
