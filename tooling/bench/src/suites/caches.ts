import { attention, type Device, ropeIntoCache, type Tensor } from '@outrider/tensor'
import { median, rounded } from '../compare'
import { common } from '../peers'
import type { Row, Suite } from '../suite'

/** As SmolLM2-135M has them. */
const [heads, kvHeads, headDim] = [9, 3, 64]
/** Numbers of a key in each; bytes; how far what attention gives may be from what f32 gives. */
const dtypes = {
  f32: { stored: 'f32', width: headDim, bytes: 4, rounding: 1e-4 },
  f16: { stored: 'f16', width: headDim, bytes: 2, rounding: 1e-3 },
  q8_0: { stored: 'u32', width: (9 * headDim) / 32, bytes: 1.125, rounding: 5e-3 },
} as const
type CacheName = keyof typeof dtypes
const names = Object.keys(dtypes) as CacheName[]
const rounds = 9

/** Caches of keys and values by their dtype: what reading a long one takes, and what writing does. */
export const cachesSuite: Suite = {
  name: 'caches',
  summary: 'attention over caches of f32, f16 and q8_0, and writing into them, in turns',
  async run({ device, note, now }) {
    const rows: Row[] = []
    for (const keys of [512, 4096]) {
      note(`${keys} positions`)
      using work = new Work(device, keys)
      await work.check()
      for (const [name, runs, run] of work.all) {
        const times = new Map(names.map((dtype) => [dtype, [] as number[]]))
        for (let round = 0; round <= rounds; round++)
          for (const [dtype, own] of times) {
            const start = now()
            for (let i = 0; i < runs; i++) run(dtype)
            await device.idle()
            if (round > 0) own.push((1000 * (now() - start)) / runs)
          }
        const wide = median(times.get('f32')!)
        for (const [dtype, own] of times)
          rows.push({
            case: `${name}, ${keys} positions`,
            cache: dtype,
            median_ms: rounded(median(own)),
            least_ms: rounded(Math.min(...own)),
            most_ms: rounded(Math.max(...own)),
            of_f32: rounded(median(own) / wide),
            cache_bytes: 2 * keys * kvHeads * headDim * dtypes[dtype].bytes,
          })
      }
    }
    return rows
  },
}

/** One sequence's caches, full, and what is done with them. */
class Work implements Disposable {
  readonly #keys: number
  readonly #caches: Record<CacheName, { keys: Tensor; values: Tensor }>
  /** Projections of the first rows, by how many. */
  readonly #inputs: ReadonlyMap<number, Record<'q' | 'k' | 'v', Tensor>>
  readonly #frequencies: Tensor

  constructor(device: Device, keys: number) {
    const of = (dtype: CacheName) => {
      const zeros = () => device.zeros([1, keys, kvHeads, dtypes[dtype].width], dtypes[dtype].stored)
      return { keys: zeros(), values: zeros() }
    }
    const first = (rows: number, columns: number, seed: number) =>
      device.tensor(common.values(rows * columns, 1, seed), { shape: [1, rows, columns] })
    this.#keys = keys
    this.#caches = { f32: of('f32'), f16: of('f16'), q8_0: of('q8_0') }
    this.#inputs = new Map(
      [1, 8, keys].map((rows) => [
        rows,
        {
          q: first(rows, heads * headDim, 20),
          k: first(rows, kvHeads * headDim, 21),
          v: first(rows, kvHeads * headDim, 22),
        },
      ]),
    )
    this.#frequencies = device.tensor(Array.from({ length: headDim / 2 }, (_, i) => 10_000 ** ((-2 * i) / headDim)))
    for (const dtype of names) this.#write(dtype, keys)
  }

  /** By name, how often in a round, and the work. */
  get all(): [name: string, runs: number, run: (dtype: CacheName) => void][] {
    return [
      ['a token reads', 4, (dtype) => this.#read(dtype, 1).dispose()],
      ['a block of 8 reads', 2, (dtype) => this.#read(dtype, 8).dispose()],
      ['a token is written', 8, (dtype) => this.#write(dtype, 1)],
      ['all are written', 1, (dtype) => this.#write(dtype, this.#keys)],
    ]
  }

  /** What attention gives over caches that round is what it gives over f32, but for that. */
  async check(): Promise<void> {
    using whole = this.#read('f32', 8)
    const wanted = await whole.data()
    for (const dtype of names) {
      using out = this.#read(dtype, 8)
      for (const [i, value] of (await out.data()).entries())
        if (!(Math.abs(value - wanted[i]!) <= dtypes[dtype].rounding))
          throw new Error(`attention over ${dtype}: element ${i} is ${value}, over f32 it is ${wanted[i]}.`)
    }
  }

  [Symbol.dispose](): void {
    for (const { keys, values } of Object.values(this.#caches)) for (const tensor of [keys, values]) tensor.dispose()
    for (const inputs of this.#inputs.values()) for (const tensor of Object.values(inputs)) tensor.dispose()
    this.#frequencies.dispose()
  }

  #read(dtype: CacheName, rows: number): Tensor {
    const { keys, values } = this.#caches[dtype]
    const q = this.#inputs.get(rows)!.q.reshape([1, rows, heads, headDim])
    const out = attention(q, keys, values, { start: this.#keys - rows })
    q.dispose()
    return out
  }

  #write(dtype: CacheName, rows: number): void {
    ropeIntoCache(this.#inputs.get(rows)!, this.#caches[dtype], { frequencies: this.#frequencies }).dispose()
  }
}
