import { OutriderError } from '@outrider/tensor'

/**
 * Finds stop texts in text that comes piece by piece, and lets nothing of them through: what might be the beginning of one
 * is held back until it is certain. The text that is let through does not depend on how it was cut into pieces.
 */
export class StopMatcher {
  readonly #stops: readonly string[]
  #held = ''
  #stopped = false

  /** @throws OutriderError INVALID_ARGUMENT for an empty stop text */
  constructor(stops: readonly string[] = []) {
    if (stops.some((stop) => typeof stop !== 'string' || stop === ''))
      throw new OutriderError('INVALID_ARGUMENT', 'A stop text is empty.', { remedy: 'Leave it out.' })
    this.#stops = stops
  }

  /** Whether a stop text has come. */
  get stopped(): boolean {
    return this.#stopped
  }

  /** The text that is certain to stand before any stop text. After one has come: nothing. */
  push(text: string): string {
    if (this.#stopped) return ''
    const seen = this.#held + text
    const match = this.#firstMatch(seen)
    if (match !== undefined) {
      this.#stopped = true
      this.#held = ''
      return seen.slice(0, match)
    }
    const held = this.#heldLength(seen)
    this.#held = seen.slice(seen.length - held)
    return seen.slice(0, seen.length - held)
  }

  /** What was held back, when no more text comes. */
  end(): string {
    const text = this.#held
    this.#held = ''
    return text
  }

  /** Where the stop text begins that is complete first; of several complete at once, the longest. */
  #firstMatch(text: string): number | undefined {
    let [begin, end] = [0, Number.POSITIVE_INFINITY]
    for (const stop of this.#stops) {
      const index = text.indexOf(stop)
      if (index < 0) continue
      const stopEnd = index + stop.length
      if (stopEnd < end || (stopEnd === end && index < begin)) [begin, end] = [index, stopEnd]
    }
    return end === Number.POSITIVE_INFINITY ? undefined : begin
  }

  /** Length of the longest ending of the text that begins a stop text. */
  #heldLength(text: string): number {
    let longest = 0
    for (const stop of this.#stops)
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--)
        if (text.endsWith(stop.slice(0, length))) longest = length
    return longest
  }
}
