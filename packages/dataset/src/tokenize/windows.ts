import { type Example, encodeDocument, type Speaker } from './example'

/**
 * Packs documents end to end, each as the tokenizer begins a text and with an end token, and cuts the whole into windows of
 * `length` + 1 tokens, so that every window has `length` positions to learn. What is left at the end makes a shorter window.
 */
export class TextWindows {
  readonly #speaker: Speaker
  readonly #length: number
  #pending: number[] = []

  constructor(speaker: Speaker, length: number) {
    this.#speaker = speaker
    this.#length = length
  }

  /** Takes a document and gives the windows that it completes. */
  *add(text: string): Generator<Example> {
    // One by one: as arguments of one call, those of a long document are more than the stack holds.
    for (const token of encodeDocument(this.#speaker, text)) this.#pending.push(token)
    let at = 0
    // Windows overlap by one token: the last one's label is the next one's first.
    for (; this.#pending.length - at > this.#length; at += this.#length)
      yield window(this.#pending.slice(at, at + this.#length + 1))
    this.#pending = this.#pending.slice(at)
  }

  /** The rest, if there is anything to learn in it. */
  *end(): Generator<Example> {
    if (this.#pending.length > 1) yield window(this.#pending)
    this.#pending = []
  }
}

const window = (tokens: number[]): Example => ({ tokens, lossMask: tokens.map(() => 1) })
