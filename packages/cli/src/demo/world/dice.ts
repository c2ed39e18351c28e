import { uniform01 } from '@outrider/tensor'

/** Counter-based random choices: the same seed gives the same world on every machine. */
export class Dice {
  #counter = 0

  constructor(readonly seed: number) {}

  /** A number in [0, 1). */
  roll(): number {
    return uniform01(this.seed, this.#counter++)
  }

  chance(probability: number): boolean {
    return this.roll() < probability
  }

  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.roll() * choices.length)]!
  }

  /** Several different choices, in random order. */
  some<T>(choices: readonly T[], count: number): T[] {
    const left = [...choices]
    return Array.from({ length: count }, () => left.splice(Math.floor(this.roll() * left.length), 1)[0]!)
  }

  /** The first choice is the likeliest; each further one half as likely as the one before it. */
  favour<T>(choices: readonly T[]): T {
    let i = 0
    while (i < choices.length - 1 && this.chance(0.5)) i++
    return choices[i]!
  }
}
