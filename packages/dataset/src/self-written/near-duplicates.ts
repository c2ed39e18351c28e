import { shinglesOf } from './words'

/** Words that follow one another, and the share of them known already from which on a text says nothing new. */
const [shingle, known] = [4, 0.6]

/** Texts that are kept, for telling which others say nothing that is not in them: most of their runs of four words. */
export class NearDuplicates {
  readonly #seen = new Set<string>()

  has(text: string): boolean {
    const shingles = shinglesOf(text, shingle)
    return shingles.filter((words) => this.#seen.has(words)).length >= known * shingles.length
  }

  add(text: string): void {
    for (const words of shinglesOf(text, shingle)) this.#seen.add(words)
  }
}
