/** Positions of steps: those of the present call are counted, and those of calls before it taken to be as many a step. */
export class Positions {
  #steps = 0
  #inCall = 0

  /** @param inCall  since the call of training began, after a step */
  add(inCall: number): void {
    this.#steps++
    this.#inCall = inCall
  }

  inAll(steps: number): number {
    return this.#steps === 0 ? 0 : Math.round((this.#inCall * steps) / this.#steps)
  }
}
