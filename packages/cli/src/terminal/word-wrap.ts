/** A style for a piece of text. */
export type Paint = (text: string) => string

const asIs: Paint = (text) => text

/** Characters that take one column each; of others (wide, combining) a terminal knows best. */
const plainWidth = /^[\u0020-\u02ff\u0370-\u0482\u048a-\u0590\u2010-\u2027\u2030-\u205e\u20a0-\u20cf\ufffd]*$/

/**
 * Writes text to a terminal as it comes, piece by piece and each in its style, and breaks lines between words: a word that
 * turns out not to fit is taken off the line and begun again on the next. Words longer than a line are left to the terminal.
 */
export class WordWrap {
  readonly #write: (text: string) => void
  readonly #columns: () => number
  #column = 0
  /** What stands behind the last blank of the line. */
  #word: { text: string; paint: Paint }[] = []
  #wordWidth = 0
  /** Whether the rest of the line is left to the terminal. */
  #lost = false

  /** @param columns  of the terminal, as it is now */
  constructor(write: (text: string) => void, columns: () => number) {
    this.#write = write
    this.#columns = columns
  }

  /** Whether the last line is not ended. */
  get lineOpen(): boolean {
    return this.#column > 0 || this.#lost
  }

  write(text: string, paint: Paint = asIs): void {
    for (const [part] of text.matchAll(/\n|[^\S\n]+|\S+/g)) {
      if (part === '\n') this.#endLine()
      else if (this.#lost || !plainWidth.test(part)) {
        this.#lost = true
        this.#write(paint(part))
      } else if (part.trim() === '') this.#blank(part, paint)
      else this.#append(part, paint)
    }
  }

  #endLine(): void {
    this.#write('\n')
    this.#column = 0
    this.#lost = false
    this.#forgetWord()
  }

  #blank(part: string, paint: Paint): void {
    this.#forgetWord()
    if (this.#column + part.length >= this.#columns()) this.#endLine()
    else {
      this.#write(paint(part))
      this.#column += part.length
    }
  }

  #append(part: string, paint: Paint): void {
    const columns = this.#columns()
    this.#lost = this.#wordWidth + part.length > columns
    if (!this.#lost && this.#column + part.length > columns) {
      const before = this.#column - this.#wordWidth
      if (this.#word.length > 0) this.#write(`\r${before > 0 ? `\x1b[${before}C` : ''}\x1b[K`)
      this.#write(`\n${this.#word.map((piece) => piece.paint(piece.text)).join('')}`)
      this.#column = this.#wordWidth
    }
    this.#write(paint(part))
    this.#column += part.length
    this.#wordWidth += part.length
    this.#word.push({ text: part, paint })
  }

  #forgetWord(): void {
    this.#word = []
    this.#wordWidth = 0
  }
}
