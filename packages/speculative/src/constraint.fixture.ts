import type { TokenConstraint } from '@outrider/transformer'

/** Allows the symbols that a table has after the last one that was said, at first those of the first entry; null: all. */
export class TableConstraint implements TokenConstraint {
  readonly #after: readonly (readonly number[] | null)[]
  readonly #said: number[]

  constructor(after: readonly (readonly number[] | null)[], said: readonly number[] = []) {
    this.#after = after
    this.#said = [...said]
  }

  get said(): readonly number[] {
    return this.#said
  }

  allowed(): Uint32Array | null {
    const ids = this.#after[this.#said.at(-1) ?? 0]
    return ids ? Uint32Array.of(ids.reduce((word, id) => word | (1 << id), 0)) : null
  }

  accept(token: number): void {
    const allowed = this.#after[this.#said.at(-1) ?? 0]
    if (allowed && !allowed.includes(token)) throw new Error(`${token} is not allowed after ${this.#said}`)
    this.#said.push(token)
  }

  clone(): TableConstraint {
    return new TableConstraint(this.#after, this.#said)
  }
}
