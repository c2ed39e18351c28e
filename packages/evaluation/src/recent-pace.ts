/**
 * How fast work goes lately: over the last third of the time since it began, as the first steps of long work (which compile, or
 * fill what is kept) say little about the rest. Marks are kept further apart the longer it takes, so there are never many.
 */
export class RecentPace {
  readonly #began: number
  readonly #marks: { at: number; done: number }[]

  /**
   * @param at    milliseconds
   * @param done  units that were done before, which say nothing about the rate
   */
  constructor(at: number, done: number) {
    this.#began = at
    this.#marks = [{ at, done }]
  }

  /** Units done until now, in all. */
  mark(at: number, done: number): void {
    const since = at - this.#began
    // Clocks of browsers are coarse: the first units may come at the very moment of the beginning.
    if (at - this.#marks.at(-1)!.at <= since / mostMarks) return
    this.#marks.push({ at, done })
    while (this.#marks[1]!.at <= at - since / 3) this.#marks.shift()
  }

  /** Units a second, from the oldest mark that counts to `done` units now. */
  perSecond(at: number, done: number): number {
    const from = this.#marks[0]!
    return ((done - from.done) * 1000) / (at - from.at)
  }
}

const mostMarks = 100
