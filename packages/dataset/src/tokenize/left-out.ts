/** What of a source's rows is not learned, and why: rows that are used otherwise than as a whole. */
export interface LeftOut {
  /** Where the rows come from. */
  source: string
  /** Rows that were read, in all. */
  rows: number
  /** Rows of which only the beginning is learned, for they are longer than `length`. */
  cut: number
  /** Rows passed over, for all that is to be learned of them is beyond `length`. */
  tooLong: number
  /** Rows passed over, for they say that nothing of them is to be learned, or nothing stands before it. */
  unlearned: number
  /** Positions a row has at most. */
  length: number
  /** A sentence for people, with the place of the first row of each kind. */
  message: string
}

/** Is told once a source where something is left out. */
export type OnLeftOut = (leftOut: LeftOut) => void

/** Where nobody listens: silence would hide it. */
export const leftOutOnConsole: OnLeftOut = ({ message }) => console.warn(message)

type Kind = 'cut' | 'tooLong' | 'unlearned'

/** Counts the rows of a source as they are tokenised. */
export class LeftOutRows {
  readonly #source: string
  readonly #length: number
  #rows = 0
  /** By kind, the places of rows; a row in memory is known by its number. */
  readonly #first = new Map<Kind, string>()
  readonly #counts: Record<Kind, number> = { cut: 0, tooLong: 0, unlearned: 0 }

  constructor(source: string, length: number) {
    this.#source = source
    this.#length = length
  }

  /** Counts a row that is read. */
  read(): void {
    this.#rows++
  }

  /** Counts the row that was read last as one of a kind. */
  count(kind: Kind, where = `row ${this.#rows}`): void {
    this.#counts[kind]++
    if (!this.#first.has(kind)) this.#first.set(kind, where)
  }

  /** What was left out; undefined where nothing was. */
  summary(): LeftOut | undefined {
    if (this.#first.size === 0) return undefined
    const told = kinds.flatMap(([kind, what]) => {
      const count = this.#counts[kind]
      if (count === 0) return []
      return [`${count} ${count === 1 ? 'is' : 'are'} ${what(this.#length)} (first: ${this.#first.get(kind)})`]
    })
    return {
      source: this.#source,
      rows: this.#rows,
      ...this.#counts,
      length: this.#length,
      message: `${this.#source}: of ${this.#rows} ${this.#rows === 1 ? 'row' : 'rows'} ${told.join(', ')}.`,
    }
  }
}

const kinds: readonly (readonly [Kind, (length: number) => string])[] = [
  ['cut', (length) => `learned only as far as ${length} tokens, the length of a row`],
  ['tooLong', (length) => `passed over: what is to be learned begins beyond ${length} tokens`],
  ['unlearned', () => 'passed over: nothing of it is to be learned'],
]
