import { width } from './colour'
import { duration, rate } from './numbers'
import type { Stream } from './stream'

export interface ProgressOptions {
  /** What is being done. */
  label: string
  /** How many units there are; unknown if left out. */
  total?: number
  /** The unit in the plural: 'steps', 'rows', 'tokens'. */
  unit: string
  /** Units done before this run, which say nothing about its rate. */
  start?: number
  now?: () => number
}

const redrawMilliseconds = 100
const plainMilliseconds = 10_000

/**
 * One line about long work: share done, rate, time left, and a note (a loss, say). On a terminal it is redrawn in place;
 * elsewhere a plain line is written every ten seconds and at the end.
 */
export class Progress {
  readonly #stream: Stream
  readonly #options: ProgressOptions
  readonly #now: () => number
  readonly #began: number
  readonly #start: number
  #done: number
  #note = ''
  #drawn: number
  #finished = false

  constructor(stream: Stream, options: ProgressOptions) {
    this.#stream = stream
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#began = this.#now()
    this.#start = options.start ?? 0
    this.#done = this.#start
    this.#drawn = stream.isTTY ? -Infinity : this.#began
  }

  /** Units done so far, in all. */
  update(done: number, note?: string): void {
    this.#done = done
    if (note !== undefined) this.#note = note
    const now = this.#now()
    if (now - this.#drawn < (this.#stream.isTTY ? redrawMilliseconds : plainMilliseconds)) return
    this.#drawn = now
    this.#draw(this.line())
  }

  /** Writes the last state and leaves the line. Further calls do nothing. */
  finish(note?: string): void {
    if (this.#finished) return
    this.#finished = true
    if (note !== undefined) this.#note = note
    this.#draw(this.line())
    if (this.#stream.isTTY) this.#stream.write('\n')
  }

  line(): string {
    const { label, total, unit } = this.#options
    const seconds = (this.#now() - this.#began) / 1000
    const perSecond = (this.#done - this.#start) / seconds
    const left = total === undefined || this.#done >= total ? undefined : (total - this.#done) / perSecond
    const parts = [
      total === undefined ? `${this.#done} ${unit}` : `${this.#done}/${total} ${unit}`,
      rate(perSecond, unit),
      this.#finished || left === undefined ? `${duration(seconds)} in all` : `${duration(left)} left`,
      this.#note,
    ]
    return `${label}  ${parts.filter(Boolean).join('  ')}`
  }

  #draw(line: string): void {
    if (!this.#stream.isTTY) return void this.#stream.write(`${line}\n`)
    const columns = (this.#stream.columns ?? 80) - 1
    this.#stream.write(`\r\x1b[2K${width(line) > columns ? line.slice(0, columns) : line}`)
  }
}
