export interface KernelTime {
  readonly name: string
  readonly count: number
  readonly microseconds: number
}

const capacity = 1024 // dispatches between two submissions; 2 timestamps each, 4096 is the limit of a query set

/** Attributes device time to kernels: a pair of timestamps around every dispatch. */
export class KernelTimer {
  readonly #gpu: GPUDevice
  readonly #querySet: GPUQuerySet
  readonly #totals = new Map<string, { count: number; nanoseconds: bigint }>()
  readonly #reads: Promise<void>[] = []
  #names: string[] = []

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu
    this.#querySet = gpu.createQuerySet({ type: 'timestamp', count: capacity * 2 })
  }

  get full(): boolean {
    return this.#names.length === capacity
  }

  next(kernel: string): GPUComputePassTimestampWrites {
    const index = this.#names.push(kernel) - 1
    return { querySet: this.#querySet, beginningOfPassWriteIndex: index * 2, endOfPassWriteIndex: index * 2 + 1 }
  }

  /** Called with the encoder that is about to be submitted: its timestamps are copied out behind it. */
  resolve(encoder: GPUCommandEncoder): void {
    const names = this.#names
    if (names.length === 0) return
    this.#names = []
    const size = names.length * 16
    const resolved = this.#gpu.createBuffer({ size, usage: QUERY_RESOLVE | COPY_SRC })
    const readable = this.#gpu.createBuffer({ size, usage: MAP_READ | COPY_DST })
    encoder.resolveQuerySet(this.#querySet, 0, names.length * 2, resolved, 0)
    encoder.copyBufferToBuffer(resolved, 0, readable, 0, size)
    // Mapping may only be asked for after the submission that this encoder is about to become.
    this.#reads.push(
      Promise.resolve()
        .then(() => readable.mapAsync(MAP_MODE_READ))
        .then(() => {
          const stamps = new BigUint64Array(readable.getMappedRange())
          names.forEach((name, i) => {
            const total = this.#totals.get(name) ?? { count: 0, nanoseconds: 0n }
            total.count++
            total.nanoseconds += stamps[i * 2 + 1]! - stamps[i * 2]!
            this.#totals.set(name, total)
          })
          readable.destroy()
          resolved.destroy()
        }),
    )
  }

  /** Kernels by time, the dearest first. Call after the last submission. */
  async finish(): Promise<KernelTime[]> {
    await Promise.all(this.#reads)
    this.#querySet.destroy()
    return [...this.#totals]
      .map(([name, { count, nanoseconds }]) => ({ name, count, microseconds: Number(nanoseconds) / 1000 }))
      .sort((a, b) => b.microseconds - a.microseconds)
  }
}

// Fixed by the WebGPU specification; Node has no globals for them.
const MAP_READ = 0x0001
const COPY_SRC = 0x0004
const COPY_DST = 0x0008
const QUERY_RESOLVE = 0x0200
const MAP_MODE_READ = 0x0001
