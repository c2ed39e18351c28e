import type { TextStream, Tokenizer } from '@outrider/transformer'
import type { ToolForm } from './tool-form'
import { type ToolDelta, ToolStream } from './tool-stream'

/**
 * Reads calls from an answer's tokens and their text. Special tokens have no text, and some of them are marks of calls: those are
 * put back where they stood.
 */
export class ToolReader {
  readonly #stream: ToolStream
  readonly #marks = new Map<number, string>()
  readonly #text: TextStream
  /** Marks that have been said, with the characters before them. */
  readonly #said: { at: number; mark: string }[] = []
  #length = 0
  #given = 0

  /** @param prompt  ids that the answer continues */
  constructor(form: ToolForm, tokenizer: Tokenizer, prompt: readonly number[]) {
    this.#stream = new ToolStream(form)
    this.#text = tokenizer.stream({ context: prompt })
    for (const mark of [form.trigger, form.closes ?? '']) {
      const id = tokenizer.specialTokens.get(mark)
      if (id !== undefined) this.#marks.set(id, mark)
    }
  }

  /** Calls so far. */
  get calls(): number {
    return this.#stream.calls
  }

  push({ tokens, text }: { tokens: readonly number[]; text: string }): ToolDelta[] {
    for (const id of this.#marks.size > 0 ? tokens : []) {
      const mark = this.#marks.get(id)
      if (mark !== undefined) this.#said.push({ at: this.#length, mark })
      else this.#length += this.#text.push(id).length
    }
    let marked = ''
    let from = 0
    while (this.#said[0] && this.#said[0].at <= this.#given + text.length) {
      const { at, mark } = this.#said.shift()!
      marked += text.slice(from, at - this.#given) + mark
      from = Math.max(from, at - this.#given)
    }
    this.#given += text.length
    return this.#stream.push(marked + text.slice(from))
  }

  end(): ToolDelta[] {
    return this.#stream.end()
  }
}
