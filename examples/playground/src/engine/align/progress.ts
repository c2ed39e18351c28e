import { RecentPace } from '@outrider/evaluation'
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

/** The rate of a stage lately, and what is left by it. */
export class StagePace {
  readonly #now: () => number
  readonly #began: number
  #recent: RecentPace | undefined

  /** @param now  milliseconds */
  constructor(now = () => performance.now()) {
    this.#now = now
    this.#began = now()
  }

  /** Notes what was there when the stage began; only the first call counts. */
  from(done: number): this {
    this.#recent ??= new RecentPace(this.#began, done)
    return this
  }

  /** @param tokens  since it began, where they are counted */
  at(done: number, total: number, tokens?: number): StageProgress {
    const now = this.#now()
    const recent = this.from(done).#recent!
    recent.mark(now, done)
    const rate = recent.perSecond(now, done)
    if (!(rate > 0 && Number.isFinite(rate))) return { done, total }
    const secondsLeft = (total - done) / rate
    const tokensPerSecond = tokens && (1000 * tokens) / (now - this.#began)
    return { done, total, rate, secondsLeft, ...(tokensPerSecond !== undefined && { tokensPerSecond }) }
  }
}

export type Stages = Record<StageName, StageProgress>
