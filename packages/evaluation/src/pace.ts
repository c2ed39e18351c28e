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

/** Paces by category; that of all prompts is under `allTasks`. */
export class Paces {
  readonly #paces = new Map<string, Pace>()

  get(category: string): Pace | undefined {
    return this.#paces.get(category)
  }

  add(categories: Iterable<string>, { answers, tokens, seconds }: Pace): void {
    for (const name of new Set(categories)) {
      const pace = this.#paces.get(name) ?? { answers: 0, tokens: 0, seconds: 0 }
      pace.answers += answers
      pace.tokens += tokens
      pace.seconds += seconds
      this.#paces.set(name, pace)
    }
  }
}
