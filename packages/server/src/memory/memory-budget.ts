import type { Device } from '@outrider/tensor'
import type { PrefixCache } from '@outrider/transformer'

export interface MemoryBudgetOptions {
  device: Device
  /** What may be taken of the device, all tensors together, as buffers. */
  maxBytes: number
  /** What gives way to requests. */
  prefixes: PrefixCache | undefined
}

/** What a way of decoding takes for a moment. */
export interface SetAside {
  /** By the longest pass over a prompt. */
  pass: number
  /** Beside that, whenever it is asked. */
  bytes: () => number
}

/**
 * What may be taken of a device's memory. What is taken is counted; what steps will take for a moment is set aside; and what is kept of
 * prompts takes what is left, up to its own bound.
 */
export class MemoryBudget {
  readonly maxBytes: number
  readonly #device: Device
  readonly #prefixes: PrefixCache | undefined
  readonly #mostPrefixes: number
  readonly #aside = new Set<SetAside>()
  #borrowed = 0
  #floor = 0

  constructor({ device, maxBytes, prefixes }: MemoryBudgetOptions) {
    this.maxBytes = maxBytes
    this.#device = device
    this.#prefixes = prefixes
    this.#mostPrefixes = prefixes?.maxBytes ?? 0
  }

  /** Bytes that are taken, but for what is kept of prompts. */
  get taken(): number {
    const { heldBytes, pooledBytes } = this.#device.memory
    return heldBytes - pooledBytes - (this.#prefixes?.bytes ?? 0)
  }

  /** Bytes that are set aside. */
  get aside(): number {
    return [...this.#aside].reduce((sum, { bytes }) => sum + bytes(), this.#borrowed + this.passBytes)
  }

  /** Of these, what the longest pass over a text takes: there is one at a time. */
  get passBytes(): number {
    return Math.max(0, ...[...this.#aside].map(({ pass }) => pass))
  }

  /** Bytes that are taken while no request is there, as last seen. */
  get floor(): number {
    return this.#floor
  }

  /** No request is there. What is computed of texts meanwhile must not count. */
  observeIdle(): void {
    if (this.#borrowed === 0) this.#floor = this.taken
  }

  /** Sets memory aside. @returns what undoes it */
  setAside(aside: SetAside): () => void {
    this.#aside.add(aside)
    return () => void this.#aside.delete(aside)
  }

  /** Sets memory aside for something that ends. @returns what undoes it */
  borrow(bytes: number): () => void {
    this.#borrowed += bytes
    return () => {
      this.#borrowed -= bytes
    }
  }

  /** Whether so many bytes more may be taken; if so, what is kept of prompts makes room for them. With 0, it makes what room it can. */
  makeRoom(bytes = 0): boolean {
    const left = this.maxBytes - this.taken - this.aside - bytes
    if (left < 0 && bytes > 0) return false
    if (this.#prefixes) this.#prefixes.maxBytes = Math.min(this.#mostPrefixes, left)
    return left >= 0
  }
}
