/** How far a replay is moved on from its recording: in positions of the sequence, and in random draws. */
export interface Advance {
  position?: number
  counter?: number
}

/** A parameter of a kernel (u32) that the replays of a recording move on. Where nothing is recorded it is its value. */
export class Advancing<K extends keyof Advance = keyof Advance> {
  readonly kind: K
  readonly value: number
  readonly #high: boolean

  /** Made by `position` and `counter`. */
  constructor(kind: K, value: number, high = false) {
    this.kind = kind
    this.value = value
    this.#high = high
  }

  /** The same, further on. */
  plus(count: number): Advancing<K> {
    return new Advancing(this.kind, this.value + count, this.#high)
  }

  /** Its 32-bit word in a replay that is so far on. */
  word(advance: Advance = none): number {
    const moved = this.value + (advance[this.kind] ?? 0)
    return (this.#high ? Math.floor(moved / 2 ** 32) : moved) >>> 0
  }

  /** The low and the high word of a number below 2⁵³, as parameters that move on together. */
  words(): [low: Advancing<K>, high: Advancing<K>] {
    return [new Advancing(this.kind, this.value), new Advancing(this.kind, this.value, true)]
  }
}

const none: Advance = {}

/** A place in a sequence that each replay of a recording moves on. */
export type Position = Advancing<'position'>
export const position = (value: number): Position => new Advancing('position', value)

/** The number of a random draw that each replay of a recording moves on. */
export type Counter = Advancing<'counter'>
export const counter = (value: number): Counter => new Advancing('counter', value)
