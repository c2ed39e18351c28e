import type { Storage } from './buffer-pool'
import type { CommandQueue } from './command-queue'

/** Brings device memory to the host: everything asked for in one copy, one submission and one wait. */
export class Readback {
  readonly counters = { readbacks: 0, bytesRead: 0 }
  readonly #gpu: GPUDevice
  readonly #queue: CommandQueue
  readonly #free: GPUBuffer[] = []

  constructor(gpu: GPUDevice, queue: CommandQueue) {
    this.#gpu = gpu
    this.#queue = queue
  }

  async read(sources: readonly { storage: Storage; bytes: number }[]): Promise<ArrayBuffer[]> {
    const buffers = sources.map(({ storage, bytes }) => {
      const buffer = this.#acquire(bytes)
      this.#queue.copyOut(storage, buffer, bytes)
      return buffer
    })
    this.#queue.flush()
    this.counters.readbacks++
    await Promise.all(buffers.map((buffer, i) => buffer.mapAsync(MAP_MODE_READ, 0, sources[i]!.bytes)))
    this.#queue.waited()
    return buffers.map((buffer, i) => {
      const { bytes } = sources[i]!
      this.counters.bytesRead += bytes
      const copy = buffer.getMappedRange(0, bytes).slice(0)
      buffer.unmap()
      if (buffer.size <= keptBytes) this.#free.push(buffer)
      else buffer.destroy()
      return copy
    })
  }

  #acquire(bytes: number): GPUBuffer {
    const index = this.#free.findIndex(({ size }) => size >= bytes)
    if (index >= 0) return this.#free.splice(index, 1)[0]!
    const size = Math.max(bytes, 4096)
    return this.#gpu.createBuffer({ label: 'readback', size, usage: MAP_READ | COPY_DST })
  }
}

const keptBytes = 1 << 20

// Fixed by the WebGPU specification; Node has no globals for them.
const MAP_READ = 0x0001
const COPY_DST = 0x0008
const MAP_MODE_READ = 0x0001
