import { OutriderError } from '../errors'
import { isOutOfMemory, mendMemory, outOfMemory } from './failures'

export interface MemoryUse {
  /** Bytes that undisposed tensors occupy, and the most they ever did. */
  liveBytes: number
  peakBytes: number
  /** Device allocations that undisposed tensors hold; tensors that share one (reshape) count once. */
  liveBuffers: number
  /** Bytes that are kept for reuse. */
  pooledBytes: number
  /** Bytes of all buffers that the driver was asked for: what tensors occupy, rounded up to what buffers are made of, and what is kept. */
  heldBytes: number
}

/** Device memory shared by the tensors that view it; it returns to the pool with the last of them. */
export interface Storage {
  readonly buffer: GPUBuffer
  readonly id: number
  readonly capacity: number
  bytes: number
  references: number
  /** The submission that last used it; commands not yet submitted carry the number of the next one. */
  lastUse: number
  /** Who it goes back to, if not to the pool. */
  owner: { release(storage: Storage): void } | null
  /** Whether the driver refused the memory: it is never given to anybody again. */
  isRefused?: boolean
}

/** Free memory is kept up to this many bytes plus what is live, then given back to the driver. */
const keptBytes = 256 * 2 ** 20

/**
 * Buffers by size class (quarters of a power of two). A released buffer can be taken again at once: the commands that
 * used it and the commands that will are in one queue, in order. The free buffer with the lowest id is taken, so that a step
 * that is done again and again gets the same buffers each time, and finds its bind groups made.
 */
export class BufferPool {
  readonly memory: MemoryUse = { liveBytes: 0, peakBytes: 0, liveBuffers: 0, pooledBytes: 0, heldBytes: 0 }
  readonly #gpu: GPUDevice
  /** By size class, the highest id first. */
  readonly #free = new Map<number, Storage[]>()
  readonly #maxBytes: number
  readonly #onFailure: (error: OutriderError) => void
  readonly #onShort: () => void
  /** Allocations that the driver has not answered yet. */
  readonly #asked = new Set<Promise<void>>()
  #nextId = 1

  /**
   * @param options.maxBytes   what all tensors together may hold, and the buffers that are kept for reuse with them
   * @param options.onFailure  told of memory that the driver refuses
   * @param options.onShort    called where what is kept for reuse must go: submits what is queued, and then calls `giveBack`
   */
  constructor(
    gpu: GPUDevice,
    {
      maxBytes = Number.POSITIVE_INFINITY,
      onFailure = () => {},
      onShort = () => this.giveBack(),
    }: { maxBytes?: number; onFailure?: (error: OutriderError) => void; onShort?: () => void } = {},
  ) {
    this.#gpu = gpu
    this.#maxBytes = maxBytes
    this.#onFailure = onFailure
    this.#onShort = onShort
  }

  /** Throws where so many bytes more are more than all tensors may hold. */
  assertRoom(bytes: number): void {
    const { liveBytes } = this.memory
    if (liveBytes + bytes > this.#maxBytes) throw this.#full(bytes, liveBytes)
  }

  #full(bytes: number, inUse: number): OutriderError {
    return outOfMemory(`${bytes} bytes more than the ${inUse} in use are beyond the memory of ${this.#maxBytes}.`, {
      bytes,
      inUse,
      maxBytes: this.#maxBytes,
    })
  }

  acquire(bytes: number): Storage {
    const capacity = this.capacityOf(bytes)
    if (bytes > capacity)
      throw new OutriderError(
        'DEVICE_LIMIT',
        `A tensor of ${bytes} bytes is larger than this device's largest buffer (${this.#gpu.limits.maxBufferSize}).`,
        { remedy: mendMemory, details: { bytes } },
      )
    this.assertRoom(bytes)
    const { memory } = this
    let storage = this.#free.get(capacity)?.pop()
    if (storage) {
      memory.pooledBytes -= capacity
      storage.references = 1
      storage.bytes = bytes
    } else {
      if (memory.heldBytes + capacity > this.#maxBytes && memory.pooledBytes > 0) this.#onShort()
      if (memory.heldBytes + capacity > this.#maxBytes) throw this.#full(capacity, memory.heldBytes)
      storage = this.#allocate(capacity, bytes)
    }
    memory.liveBytes += bytes
    memory.liveBuffers++
    memory.peakBytes = Math.max(memory.peakBytes, memory.liveBytes)
    return storage
  }

  /** Resolves when the driver has answered for all memory that was asked of it. */
  async allocated(): Promise<void> {
    await Promise.all(this.#asked)
  }

  /** The driver answers later whether it gives the memory: scopes of errors belong to this buffer alone. */
  #allocate(capacity: number, bytes: number): Storage {
    this.#gpu.pushErrorScope('out-of-memory')
    this.#gpu.pushErrorScope('validation')
    const buffer = this.#gpu.createBuffer({
      size: capacity,
      usage: GPUBufferUsage_STORAGE | GPUBufferUsage_INDIRECT | GPUBufferUsage_COPY_SRC | GPUBufferUsage_COPY_DST,
    })
    this.memory.heldBytes += capacity
    const storage: Storage = { buffer, id: this.#nextId++, capacity, bytes, references: 1, lastUse: -1, owner: null }
    const asked = Promise.all([this.#gpu.popErrorScope(), this.#gpu.popErrorScope()])
      .then(([invalid, missing]) => {
        const error = missing ?? invalid
        if (error) this.#refused(storage, error)
      })
      // A device that is lost does not answer; its loss is told elsewhere.
      .catch(() => {})
      .finally(() => this.#asked.delete(asked))
    this.#asked.add(asked)
    return storage
  }

  #refused(storage: Storage, error: GPUError): void {
    storage.isRefused = true
    this.memory.heldBytes -= storage.capacity
    const free = this.#free.get(storage.capacity)
    const at = free?.indexOf(storage) ?? -1
    if (at >= 0) {
      free!.splice(at, 1)
      this.memory.pooledBytes -= storage.capacity
    }
    const message = `The device gives no ${storage.capacity} bytes more. ${error.message}`
    const details = { bytes: storage.capacity }
    this.#onFailure(
      isOutOfMemory(error)
        ? outOfMemory(message, details)
        : new OutriderError('DEVICE_LIMIT', message, { remedy: mendMemory, details }),
    )
  }

  /** Bytes that a buffer of so many takes. */
  capacityOf(bytes: number): number {
    return Math.min(sizeClass(bytes), this.#gpu.limits.maxBufferSize)
  }

  /** Lets memory that is live hold something of another size. */
  resize(storage: Storage, bytes: number): void {
    const { memory } = this
    memory.liveBytes += bytes - storage.bytes
    memory.peakBytes = Math.max(memory.peakBytes, memory.liveBytes)
    storage.bytes = bytes
  }

  release(storage: Storage): void {
    if (--storage.references > 0) return
    const { memory } = this
    memory.liveBytes -= storage.bytes
    memory.liveBuffers--
    if (storage.isRefused) return
    memory.pooledBytes += storage.capacity
    let free = this.#free.get(storage.capacity)
    if (!free) {
      free = []
      this.#free.set(storage.capacity, free)
    }
    let at = free.length
    while (at > 0 && free[at - 1]!.id < storage.id) at--
    free.splice(at, 0, storage)
  }

  /** Destroys free buffers past what is worth keeping. Only between submissions. Returns whether any was destroyed. */
  trim(): boolean {
    const { memory } = this
    if (memory.pooledBytes <= keptBytes + memory.liveBytes) return false
    this.giveBack(memory.liveBytes)
    return true
  }

  /** Destroys free buffers, the largest first, down to so many bytes of them. Only between submissions. */
  giveBack(kept = 0): void {
    const { memory } = this
    for (const [capacity, free] of [...this.#free].sort((a, b) => b[0] - a[0])) {
      while (free.length > 0 && memory.pooledBytes > kept) {
        free.pop()!.buffer.destroy()
        memory.pooledBytes -= capacity
        memory.heldBytes -= capacity
      }
    }
  }
}

// The flags' values are fixed by the WebGPU specification; Node has no globals for them.
const GPUBufferUsage_COPY_SRC = 0x0004
const GPUBufferUsage_COPY_DST = 0x0008
const GPUBufferUsage_STORAGE = 0x0080
const GPUBufferUsage_INDIRECT = 0x0100

/** What a buffer for so many bytes takes. */
export function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256
  const quarter = 2 ** (Math.floor(Math.log2(bytes - 1)) - 2)
  return Math.ceil(bytes / quarter) * quarter
}
