import type { GenerationResult } from '@outrider/transformer'

/** Tokens after the first of each answer, and the seconds that they took. */
export interface Pace {
  answers: number
  tokens: number
  seconds: number
}

export const tokensPerSecond = (pace: Pace | undefined): number =>
  pace && pace.seconds > 0 ? pace.tokens / pace.seconds : 0

export const paceOf = ({ tokens, timings }: GenerationResult): Pace => ({
  answers: 1,
  tokens: tokens.length - 1,
  seconds: timings.decodeSeconds,
})

/** Of what was done one after the other. */
export const sumOf = (paces: readonly Pace[]): Pace => ({
  answers: paces.reduce((sum, { answers }) => sum + answers, 0),
  tokens: paces.reduce((sum, { tokens }) => sum + tokens, 0),
  seconds: paces.reduce((sum, { seconds }) => sum + seconds, 0),
})

/** Paces by category; that of all prompts is under `allTasks`. */
export class Paces {
  readonly #paces = new Map<string, Pace>()

  get(category: string): Pace | undefined {
    return this.#paces.get(category)
  }

  add(categories: Iterable<string>, pace: Pace): void {
    for (const name of new Set(categories)) {
      const before = this.#paces.get(name)
      this.#paces.set(name, before ? sumOf([before, pace]) : pace)
    }
  }
}
