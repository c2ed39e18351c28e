/**
 * A table of whole numbers by pairs of whole numbers (32 bits each, values from 0 on), by open addressing: a look-up makes no
 * object, and takes a few steps whatever pairs a file was given, for how pairs are spread is drawn anew for each table.
 */
export class PairTable {
  #slots: Int32Array
  #used = 0
  #mask: number
  readonly #first = oddNumber()
  readonly #second = oddNumber()

  /** @param expected  pairs it will have; it grows beyond */
  constructor(expected = 16) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(8, expected * 2)))
    this.#slots = emptySlots(size)
    this.#mask = size - 1
  }

  get size(): number {
    return this.#used
  }

  /** The value of a pair, or −1. */
  get(a: number, b: number): number {
    const slots = this.#slots
    const mask = this.#mask
    let mixed = Math.imul(a, this.#first) + Math.imul(b, this.#second)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
    for (let slot = (mixed ^ (mixed >>> 13)) & mask; ; slot = (slot + 1) & mask) {
      const value = slots[3 * slot + 2]!
      if (value === -1 || (slots[3 * slot] === a && slots[3 * slot + 1] === b)) return value
    }
  }

  /** A pair that is set again has its last value. */
  set(a: number, b: number, value: number): void {
    if (2 * this.#used > this.#mask) this.#grow()
    let mixed = Math.imul(a, this.#first) + Math.imul(b, this.#second)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
    let slot = (mixed ^ (mixed >>> 13)) & this.#mask
    while (this.#slots[3 * slot + 2] !== -1 && !(this.#slots[3 * slot] === a && this.#slots[3 * slot + 1] === b))
      slot = (slot + 1) & this.#mask
    if (this.#slots[3 * slot + 2] === -1) this.#used++
    this.#slots.set([a, b, value], 3 * slot)
  }

  #grow(): void {
    const before = this.#slots
    this.#slots = emptySlots(2 * (this.#mask + 1))
    this.#mask = 2 * this.#mask + 1
    this.#used = 0
    for (let at = 0; at < before.length; at += 3)
      if (before[at + 2] !== -1) this.set(before[at]!, before[at + 1]!, before[at + 2]!)
  }
}

const emptySlots = (size: number) => new Int32Array(3 * size).fill(-1)

const oddNumber = () => Math.floor(Math.random() * 2 ** 32) | 1
