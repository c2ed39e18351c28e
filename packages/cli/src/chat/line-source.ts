/** Where messages come from: a person at a terminal, or a file. */
export interface LineSource {
  /** The next message, of one or several lines; undefined at the end. */
  ask(): Promise<string | undefined>
  /** Until it is called: Ctrl-C calls `onInterrupt` instead of ending the program. */
  listen(onInterrupt: () => void): () => void
  close(): void
}

/** Lines joined while they end in a backslash. */
export class JoinedLines {
  #lines: string[] = []

  /** Whether lines wait for another one. */
  get pending(): boolean {
    return this.#lines.length > 0
  }

  /** @returns the message, if this line completes it */
  push(line: string, { more = false }: { more?: boolean } = {}): string | undefined {
    const continued = !more && /(?<!\\)(?:\\\\)*\\$/.test(line) // what is pasted is meant as it is
    this.#lines.push(continued ? line.slice(0, -1) : line)
    return continued || more ? undefined : this.take()
  }

  /** What there is. */
  take(): string {
    const message = this.#lines.join('\n')
    this.#lines = []
    return message
  }
}
