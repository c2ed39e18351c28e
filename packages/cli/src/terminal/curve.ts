import { fixed } from '@outrider/evaluation'

const bars = '▁▂▃▄▅▆▇█'
/** Values beyond this many are kept as means of neighbours. */
const most = 512

/** Values over time as one line of text: the first, a bar for each stretch, the last. */
export class Curve {
  readonly #name: string
  readonly #decimals: number
  /** Means of `#stride` values each; the last may be of fewer. */
  #means: number[] = []
  #stride = 1
  #inLast = 0

  constructor(name: string, { decimals = 2 }: { decimals?: number } = {}) {
    this.#name = name
    this.#decimals = decimals
  }

  /** Takes the next value; one that is not finite is left out. */
  add(value: number): void {
    if (!Number.isFinite(value)) return
    if (this.#inLast > 0 && this.#inLast < this.#stride) {
      const last = this.#means.length - 1
      this.#means[last]! += (value - this.#means[last]!) / ++this.#inLast
      return
    }
    if (this.#means.length === most) {
      this.#means = Array.from({ length: most / 2 }, (_, i) => (this.#means[2 * i]! + this.#means[2 * i + 1]!) / 2)
      this.#stride *= 2
    }
    this.#means.push(value)
    this.#inLast = 1
  }

  /** The line, of at most `columns`; nothing while there are fewer than two values. */
  line(columns: number): string {
    if (this.#means.length < 2) return ''
    const label = (values: readonly number[], end: number) => fixed(values.at(end), this.#decimals)
    const room =
      columns - this.#name.length - 3 - 2 * Math.max(...this.#means.map((v) => fixed(v, this.#decimals).length))
    if (room < 2) return ''
    const values = shrunk(this.#means, Math.min(room, 60))
    return `${this.#name} ${label(values, 0)} ${sparkline(values)} ${label(values, -1)}`
  }
}

/** A bar for each value, from the least to the greatest. */
export function sparkline(values: readonly number[]): string {
  const [least, greatest] = [Math.min(...values), Math.max(...values)]
  const bar = (value: number) =>
    greatest > least ? Math.round(((value - least) / (greatest - least)) * (bars.length - 1)) : 3
  return values.map((value) => bars[bar(value)]).join('')
}

/** As many means of neighbouring values as there is room for. */
function shrunk(values: readonly number[], count: number): number[] {
  if (values.length <= count) return [...values]
  return Array.from({ length: count }, (_, i) => {
    const part = values.slice(Math.floor((i * values.length) / count), Math.floor(((i + 1) * values.length) / count))
    return part.reduce((a, b) => a + b, 0) / part.length
  })
}
