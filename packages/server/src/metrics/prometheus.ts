/** Metrics in the text format of Prometheus, version 0.0.4. */

export type Labels = Readonly<Record<string, string>>

/** What can be asked for its lines. */
export interface Metric {
  render(): string
}

/** A number that only grows, by labels. Its name ends in `_total`. */
export class Counter implements Metric {
  readonly #head: string
  readonly #name: string
  readonly #labels: Labels
  readonly #values = new Map<string, number>()

  constructor(name: string, help: string, labels: Labels, { initial = [{}] }: { initial?: readonly Labels[] } = {}) {
    this.#name = name
    this.#head = head(name, help, 'counter')
    this.#labels = labels
    // What has not happened yet is 0 and not missing, so that rates begin at the first event.
    for (const own of initial) this.add(0, own)
  }

  add(count: number, labels: Labels = {}): void {
    const key = labelText({ ...this.#labels, ...labels })
    this.#values.set(key, (this.#values.get(key) ?? 0) + count)
  }

  /** Over all labels. */
  get total(): number {
    return [...this.#values.values()].reduce((a, b) => a + b, 0)
  }

  render(): string {
    return this.#head + [...this.#values].map(([labels, value]) => `${this.#name}${labels} ${value}\n`).join('')
  }
}

/** A number as it is when it is asked for. */
export class Gauge implements Metric {
  readonly #head: string
  readonly #name: string
  readonly #labels: Labels
  readonly #read: () => number | readonly (readonly [Labels, number])[]

  /** @param read  a number, or one for each set of further labels */
  constructor(name: string, help: string, labels: Labels, read: () => number | readonly (readonly [Labels, number])[]) {
    this.#head = head(name, help, 'gauge')
    this.#name = name
    this.#labels = labels
    this.#read = read
  }

  render(): string {
    const read = this.#read()
    const values: readonly (readonly [Labels, number])[] = typeof read === 'number' ? [[{}, read]] : read
    const lines = values.map(([own, value]) => `${this.#name}${labelText({ ...this.#labels, ...own })} ${value}\n`)
    return this.#head + lines.join('')
  }
}

/** How often a measured value was at most each of some bounds; its sum and count. */
export class Histogram implements Metric {
  readonly #head: string
  readonly #name: string
  readonly #labels: Labels
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0

  constructor(name: string, help: string, labels: Labels, bounds: readonly number[]) {
    this.#name = name
    this.#head = head(name, help, 'histogram')
    this.#labels = labels
    this.#bounds = [...bounds, Number.POSITIVE_INFINITY]
    this.#counts = this.#bounds.map(() => 0)
  }

  observe(value: number): void {
    this.#counts[this.#bounds.findIndex((bound) => value <= bound)]!++
    this.#sum += value
  }

  render(): string {
    let below = 0
    const lines = this.#bounds.map((bound, i) => {
      below += this.#counts[i]!
      const le = bound === Number.POSITIVE_INFINITY ? '+Inf' : String(bound)
      return `${this.#name}_bucket${labelText({ ...this.#labels, le })} ${below}\n`
    })
    const labels = labelText(this.#labels)
    return `${this.#head}${lines.join('')}${this.#name}_sum${labels} ${this.#sum}\n${this.#name}_count${labels} ${below}\n`
  }
}

const head = (name: string, help: string, type: string) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`

function labelText(labels: Labels): string {
  const escaped = (value: string) => value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length > 0 ? `{${pairs.join(',')}}` : ''
}
