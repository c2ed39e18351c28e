import { type Colours, colours, wantsColour } from './colour'
import { paragraph } from './paragraph'
import { Progress, type ProgressOptions } from './progress'
import type { Stream } from './stream'
import { type Column, table } from './table'

export interface TerminalOptions {
  out: Stream
  err: Stream
  env: NodeJS.ProcessEnv
  /** Standard output belongs to one JSON object, and the error stream to errors. */
  json: boolean
}

/** Results go to standard output, everything about the way there to the error stream. */
export class Terminal {
  readonly json: boolean
  /** Styles for standard output. */
  readonly style: Colours
  /** Styles for the error stream. */
  readonly noteStyle: Colours
  /** Whether standard output has colours. */
  readonly coloured: boolean
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean
  readonly #out: Stream
  readonly #err: Stream
  #progress: Progress | undefined

  constructor({ out, err, env, json }: TerminalOptions) {
    this.json = json
    this.#out = out
    this.#err = err
    this.coloured = wantsColour(out, env)
    this.isTerminal = Boolean(out.isTTY)
    this.style = colours(this.coloured)
    this.noteStyle = colours(wantsColour(err, env))
  }

  /** Columns of standard output, as it is now. */
  get columns(): number {
    return this.#out.columns ?? 100
  }

  /** A line of the result. */
  print(text = ''): void {
    this.write(`${text}\n`)
  }

  /** A piece of the result, without a line end: text as it is generated. */
  write(text: string): void {
    if (this.json) return
    this.endProgress()
    this.#out.write(text)
  }

  /** Sentences, in lines that can be read. */
  printParagraph(text: string, indent?: string): void {
    this.print(paragraph(text, Math.min(this.columns, 100), indent))
  }

  printTable(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
    this.print(table(columns, rows))
  }

  /** A line about what is being done; a progress line goes on below it. */
  note(text: string): void {
    if (this.json) return
    if (this.#progress) this.#progress.above(`${text}\n`)
    else this.#err.write(`${text}\n`)
  }

  /** Sentences about what is being done, in lines that can be read. */
  noteParagraph(text: string, indent?: string): void {
    this.note(this.noteStyle.dim(paragraph(text, Math.min(this.#err.columns ?? 100, 100), indent)))
  }

  /** A line that must be seen, under `--json` too. */
  warn(text: string): void {
    this.endProgress()
    this.#err.write(`${text}\n`)
  }

  /** The one object of a run with `--json`. */
  printJson(value: object): void {
    this.#out.write(`${JSON.stringify(value)}\n`)
  }

  /** A progress line; the one before it is finished. Under `--json` it is written nowhere. */
  progress(options: ProgressOptions): Progress {
    this.endProgress()
    this.#progress = new Progress(this.json ? silent : this.#err, options)
    return this.#progress
  }

  endProgress(): void {
    this.#progress?.finish()
    this.#progress = undefined
  }
}

const silent: Stream = { write: () => undefined }
