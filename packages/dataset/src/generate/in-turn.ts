/** Gives values in the order of their turns, 0, 1, 2 …, in whatever order they come. */
export class InTurn<T> {
  readonly #waiting = new Map<number, T>()
  #next = 0

  /** @returns those whose turn has come with it: none, or it and what has waited for it */
  add(turn: number, value: T): T[] {
    this.#waiting.set(turn, value)
    const due: T[] = []
    for (; this.#waiting.has(this.#next); this.#next++) {
      due.push(this.#waiting.get(this.#next)!)
      this.#waiting.delete(this.#next)
    }
    return due
  }
}
