import { duration, RecentPace, rate } from '@outrider/evaluation'
import { Curve } from './curve'
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
  /** What the curve under the line is of: 'loss', say. Default none. */
  curve?: string
  /** Decimals of the curve's values. Default 2. */
  decimals?: number
  now?: () => number
}

const redrawMilliseconds = 100
const plainMilliseconds = 10_000

/**
 * A line about long work: share done, rate and time left as it goes lately, and a note (a loss, say); under it a curve, if there
 * are values for one. On a terminal both are redrawn in place; elsewhere a plain line is written every ten seconds and at the end.
 */
export class Progress {
  readonly #stream: Stream
  readonly #options: ProgressOptions
  readonly #now: () => number
  readonly #began: number
  readonly #start: number
  readonly #pace: RecentPace
  #done: number
  #note = ''
  #drawn: number
  #finished = false
  readonly #curve: Curve | undefined
  /** Lines on the screen, the cursor at the end of the last. */
  #height = 0

  constructor(stream: Stream, options: ProgressOptions) {
    this.#stream = stream
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#began = this.#now()
    this.#start = options.start ?? 0
    this.#done = this.#start
    this.#pace = new RecentPace(this.#began, this.#start)
    this.#drawn = stream.isTTY ? -Infinity : this.#began
    const { curve, decimals = 2 } = options
    this.#curve = curve === undefined ? undefined : new Curve(curve, { decimals })
  }

  /**
   * Units done so far, in all.
   *
   * @param value  the next of the curve
   */
  update(done: number, note?: string, value?: number): void {
    if (this.#finished) return
    this.#done = done
    if (note !== undefined) this.#note = note
    if (value !== undefined) this.#curve?.add(value)
    const now = this.#now()
    this.#pace.mark(now, done)
    if (now - this.#drawn < (this.#stream.isTTY ? redrawMilliseconds : plainMilliseconds)) return
    this.#drawn = now
    this.#draw()
  }

  /** Writes the last state and leaves the lines. Further calls do nothing. */
  finish(note?: string): void {
    if (this.#finished) return
    this.#finished = true
    if (note !== undefined) this.#note = note
    this.#draw()
    if (this.#stream.isTTY) this.#stream.write('\n')
  }

  /** Writes whole lines above, and goes on below them. */
  above(text: string): void {
    if (this.#finished || !this.#stream.isTTY) return void this.#stream.write(text)
    this.#stream.write(`${this.#erased()}${text}`)
    this.#height = 0
    this.#draw()
  }

  line(): string {
    const { label, total, unit } = this.#options
    const now = this.#now()
    const seconds = (now - this.#began) / 1000
    const perSecond = this.#finished ? (this.#done - this.#start) / seconds : this.#pace.perSecond(now, this.#done)
    const left = total === undefined || this.#done >= total ? undefined : (total - this.#done) / perSecond
    const parts = [
      total === undefined ? `${this.#done} ${unit}` : `${this.#done}/${total} ${unit}`,
      rate(perSecond, unit),
      this.#finished || left === undefined ? `${duration(seconds)} in all` : perSecond > 0 && `${duration(left)} left`,
      this.#note,
    ]
    const rest = parts.filter(Boolean).join('  ')
    const room = (this.#stream.isTTY ? (this.#stream.columns ?? 80) - 1 : Infinity) - rest.length - 2
    return `${label.length > room && room > 3 ? `${label.slice(0, room - 1)}…` : label}  ${rest}`
  }

  #draw(): void {
    if (!this.#stream.isTTY) return void this.#stream.write(`${this.line()}\n`)
    const columns = (this.#stream.columns ?? 80) - 1
    const lines = [this.line().slice(0, columns)]
    const curve = this.#curve?.line(columns)
    if (curve) lines.push(curve)
    this.#stream.write(this.#erased() + lines.join('\n'))
    this.#height = lines.length
  }

  /** What takes the drawn lines away and puts the cursor where they began. */
  #erased(): string {
    return `\r\x1b[2K${'\x1b[1A\x1b[2K'.repeat(Math.max(0, this.#height - 1))}`
  }
}
