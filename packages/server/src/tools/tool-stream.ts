import { CallScanner } from './call-scanner'
import type { ToolForm } from './tool-form'

/** What an answer adds: text, a call that begins, or more of a call's arguments. */
export type ToolDelta =
  | { content: string }
  | { index: number; id: string; name: string }
  | { index: number; arguments: string }

/**
 * Finds the calls in an answer as it comes. What turns out to be none is given as the text that it is: a call counts as one once
 * its name is known. White space around calls is left out.
 */
export class ToolStream {
  readonly #form: ToolForm
  #state: 'start' | 'text' | 'calls' | 'plain'
  /** Text that may be the beginning of a mark, or white space before a call. */
  #held = ''
  /** What was read since calls began, of which no call has come: it is text if none comes. */
  #raw = ''
  #scanner: CallScanner | undefined
  #calls = 0

  constructor(form: ToolForm) {
    this.#form = form
    this.#state = form.family === 'llama' ? 'start' : 'text'
  }

  /** Calls so far. */
  get calls(): number {
    return this.#calls
  }

  push(text: string): ToolDelta[] {
    const deltas: ToolDelta[] = []
    if (this.#state === 'calls')
      for (const [at, character] of [...text].entries()) {
        this.#callCharacter(character, deltas)
        // What follows the mark that ends a call is text again.
        if (this.#state !== 'calls') return this.#joined([...deltas, ...this.push([...text].slice(at + 1).join(''))])
      }
    else this.#text(this.#held + text, deltas)
    return this.#joined(deltas)
  }

  end(): ToolDelta[] {
    const deltas: ToolDelta[] = []
    const { name } = this.#scanner ?? {}
    const left = this.#state === 'calls' ? (name === undefined && !this.#onlyBetween() ? this.#raw : '') : this.#held
    this.#held = this.#raw = ''
    if (left.trim() !== '' || (left !== '' && this.#calls === 0)) deltas.push({ content: left })
    return deltas
  }

  /** Whether there is nothing but what stands between calls, and behind the last. */
  #onlyBetween(): boolean {
    return this.#calls > 0 && /^[\s\],;]*$/.test(this.#raw)
  }

  #text(text: string, deltas: ToolDelta[]): void {
    this.#held = ''
    const { trigger } = this.#form
    if (this.#state === 'plain') {
      if (text !== '') deltas.push({ content: text })
      return
    }
    if (this.#state === 'start') {
      const begun = text.trimStart()
      const isMark = begun.startsWith(trigger)
      if (begun === '' || (!isMark && trigger.startsWith(begun))) {
        this.#held = text
        return
      }
      if (isMark || begun.startsWith('{')) {
        this.#raw = isMark ? text.slice(0, text.length - begun.length + trigger.length) : ''
        this.#begin(isMark ? begun.slice(trigger.length) : begun, deltas)
        return
      }
      this.#state = 'plain'
      deltas.push({ content: text })
      return
    }
    const at = text.indexOf(trigger)
    const end = at >= 0 ? at : text.length - heldBack(text, trigger)
    const before = text.slice(0, end)
    const shown = before.trimEnd()
    const visible = this.#calls > 0 && shown !== '' && this.#afterCall ? shown.trimStart() : shown
    if (visible !== '') {
      deltas.push({ content: visible })
      this.#afterCall = false
    }
    const space = before.slice(shown.length)
    if (at < 0) this.#held = space + text.slice(end)
    else {
      this.#raw = space + trigger
      this.#begin(text.slice(at + trigger.length), deltas)
    }
  }

  /** Whether nothing but white space has come since a call. */
  #afterCall = false

  #begin(rest: string, deltas: ToolDelta[]): void {
    this.#state = 'calls'
    deltas.push(...this.push(rest))
  }

  #callCharacter(character: string, deltas: ToolDelta[]): void {
    this.#raw += character
    if (this.#scanner) {
      for (const part of this.#scanner.push(character))
        if ('name' in part) deltas.push({ index: this.#calls++, id: this.#form.id(), name: part.name })
        else deltas.push({ index: this.#calls - 1, arguments: part.arguments })
      if (!this.#scanner.done) return
      if (this.#scanner.name === undefined) this.#giveUp(deltas)
      else this.#raw = ''
      this.#scanner = undefined
      return
    }
    if (character === '{') {
      this.#scanner = new CallScanner()
      this.#scanner.push(character)
      return
    }
    const { closes } = this.#form
    if (closes && this.#raw.trimStart().endsWith(closes)) {
      const none = this.#raw.includes(this.#form.trigger)
      if (none) this.#giveUp(deltas)
      this.#raw = ''
      this.#state = 'text'
      this.#afterCall = !none
      return
    }
    const isBetween = /[\s[\],;]/.test(character) || closes?.startsWith(this.#raw.replace(/^[\s\]]+/, ''))
    if (!isBetween && !this.#raw.trimEnd().endsWith(this.#form.trigger)) this.#giveUp(deltas)
  }

  /** No call, then: it is text. */
  #giveUp(deltas: ToolDelta[]): void {
    if (this.#raw !== '') deltas.push({ content: this.#raw })
    this.#raw = ''
    this.#state = this.#form.family === 'hermes' ? 'text' : 'plain'
  }

  /** Neighbours of one kind as one. */
  #joined(deltas: readonly ToolDelta[]): ToolDelta[] {
    const joined: ToolDelta[] = []
    for (const delta of deltas) {
      const last = joined.at(-1)
      if (last && 'content' in last && 'content' in delta) last.content += delta.content
      else if (last && 'arguments' in last && 'arguments' in delta && last.index === delta.index)
        last.arguments += delta.arguments
      else joined.push({ ...delta })
    }
    return joined
  }
}

/** How many characters at the end of a text may be the beginning of a mark. */
function heldBack(text: string, mark: string): number {
  for (let count = Math.min(text.length, mark.length - 1); count > 0; count--)
    if (mark.startsWith(text.slice(-count))) return count
  return 0
}
