import { OutriderError } from '@outrider/tensor'
import { type ChatMessage, fitConversation } from '@outrider/transformer'

/** A conversation, and the part of it that still fits into the context of the model. */
export class Conversation {
  /** Questions and answers in turn. */
  #turns: ChatMessage[] = []
  /** Turns at the beginning that are no longer sent. */
  #dropped = 0

  constructor(public system: string | undefined) {}

  /** All of it, with the system message. */
  get messages(): ChatMessage[] {
    return [...this.#opening, ...this.#turns]
  }

  /** What the model is sent. */
  get sent(): ChatMessage[] {
    return [...this.#opening, ...this.#turns.slice(this.#dropped)]
  }

  /** Questions that were answered. */
  get exchanges(): number {
    return Math.floor(this.#turns.length / 2)
  }

  /** Messages that are no longer sent. */
  get dropped(): number {
    return this.#dropped
  }

  ask(content: string): void {
    this.#turns.push({ role: 'user', content })
  }

  answer(content: string): void {
    this.#turns.push({ role: 'assistant', content })
  }

  /** Takes the last question back, when it got no answer. */
  takeBack(): void {
    if (this.#turns.at(-1)?.role === 'user') this.#turns.pop()
    this.#dropped = Math.min(this.#dropped, this.#turns.length)
  }

  /** Begins anew; the system message stays. */
  clear(): void {
    this.#turns = []
    this.#dropped = 0
  }

  /**
   * Leaves the oldest exchanges out until the prompt has at most `limit` tokens, or only the last question is left.
   *
   * @param lengthOf  tokens of a prompt
   * @returns how many exchanges were left out now
   * @throws OutriderError CONTEXT_OVERFLOW where the last question alone fills the context
   */
  fit(lengthOf: (messages: ChatMessage[]) => number, { limit, context }: { limit: number; context: number }): number {
    const before = this.#dropped
    const measured = (messages: ChatMessage[]) => ({ length: lengthOf(messages) })
    const { prompt, leftOut } = fitConversation(this.messages, measured, { limit, leftOut: before })
    if (prompt.length >= context)
      throw new OutriderError(
        'CONTEXT_OVERFLOW',
        `The message has ${prompt.length} tokens${this.system === undefined ? '' : ' with the system message'}; the context of the model is ${context}, question and answer together.`,
        { remedy: 'Ask in fewer words.' },
      )
    this.#dropped = leftOut
    return (leftOut - before) / 2
  }

  get #opening(): ChatMessage[] {
    return this.system === undefined ? [] : [{ role: 'system', content: this.system }]
  }
}
