import { OutriderError } from '@outrider/tensor'
import type { WhenFull } from './patient-directory'

/** The question what to do about a full storage, asked of the user while training waits for the answer. */
export class FullStorage {
  readonly #onAsked: (asked: boolean) => void
  #settle: ((answer: WhenFull | OutriderError) => void) | undefined

  /** @param onAsked  called when the question is asked, and when it is settled */
  constructor(onAsked: (asked: boolean) => void) {
    this.#onAsked = onAsked
  }

  ask(): Promise<WhenFull> {
    return new Promise((resolve, reject) => {
      this.#settle = (answer) => {
        this.#settle = undefined
        this.#onAsked(false)
        if (answer instanceof OutriderError) reject(answer)
        else resolve(answer)
      }
      this.#onAsked(true)
    })
  }

  answer(what: WhenFull): void {
    this.#settle?.(what)
  }

  /** Ends the wait without an answer: what was to be written is not. */
  cancel(): void {
    this.#settle?.(new OutriderError('ABORTED', 'The storage was full when training was stopped.'))
  }
}
