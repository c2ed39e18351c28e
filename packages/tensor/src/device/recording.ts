import { OutriderError } from '../errors'
import { packParameters } from '../kernel/kernel'
import type { Advance } from './advancing'
import type { BufferPool, Storage } from './buffer-pool'
import type { CommandQueue, Commands, Dispatch, RecordedDispatch } from './command-queue'
import { visitTensors } from './scope'

type Command = { dispatch: RecordedDispatch } | { other: (queue: Commands) => void }

/**
 * Takes commands down instead of queueing them, and holds the memory of what is made meanwhile: each replay writes the same
 * buffers again, so that nobody else may have them until the recording goes.
 */
export class Recorder implements Commands {
  readonly commands: Command[] = []
  readonly #pool: BufferPool
  /** All memory taken, and what of it is free again. */
  readonly #taken: Storage[] = []
  readonly #free: Storage[] = []
  /** Memory of others that the commands use: it stays as long as the recording. */
  readonly #used = new Set<Storage>()

  constructor(pool: BufferPool) {
    this.#pool = pool
  }

  acquire(bytes: number): Storage {
    const capacity = this.#pool.capacityOf(bytes)
    const index = this.#free.findIndex((storage) => storage.capacity === capacity)
    if (index >= 0) {
      const storage = this.#free.splice(index, 1)[0]!
      storage.references = 1
      this.#pool.resize(storage, bytes)
      return storage
    }
    const storage = this.#pool.acquire(bytes)
    storage.owner = this
    this.#taken.push(storage)
    return storage
  }

  release(storage: Storage): void {
    if (--storage.references === 0) this.#free.push(storage)
  }

  dispatch(dispatch: Dispatch): void {
    const { kernel, params, storages } = dispatch
    const packed = new Uint8Array(4 * kernel.parameters.length)
    packParameters(kernel, params, new DataView(packed.buffer), 0)
    const advancing = kernel.parameters.flatMap(({ name }, i) => {
      const value = params[name]!
      return typeof value === 'number' ? [] : { offset: 4 * i, value }
    })
    this.#use(...storages)
    this.commands.push({ dispatch: { ...dispatch, packed, advancing } })
  }

  /** Workgroups of the dispatches from one on, three numbers each. */
  workgroupsFrom(first: number): Uint32Array {
    return Uint32Array.from(
      this.commands
        .slice(first)
        .flatMap((command) => ('dispatch' in command ? [0, 1, 2].map((i) => command.dispatch.workgroups[i] ?? 1) : [])),
    )
  }

  /** Lets the last dispatch, which writes them, come first of those from one on, and these take their workgroups from there. */
  makeIndirect(first: number, workgroups: Storage): void {
    const writing = this.commands.pop()!
    let offset = 0
    for (let i = first; i < this.commands.length; i++) {
      const command = this.commands[i]!
      if (!('dispatch' in command)) continue
      this.commands[i] = { dispatch: { ...command.dispatch, indirect: { storage: workgroups, offset } } }
      offset += 12
    }
    this.commands.splice(first, 0, writing)
  }

  copy(...args: Parameters<Commands['copy']>): void {
    this.#use(args[0], args[2])
    this.commands.push({ other: (queue) => queue.copy(...args) })
  }

  clear(target: Storage): void {
    this.#use(target)
    this.commands.push({ other: (queue) => queue.clear(target) })
  }

  upload(target: Storage, offset: number, data: Uint8Array): void {
    this.#use(target)
    const bytes = data.slice()
    this.commands.push({ other: (queue) => queue.upload(target, offset, bytes) })
  }

  /** Gives all memory back. */
  dispose(release: (storage: Storage) => void): void {
    for (const storage of this.#taken) {
      storage.owner = null
      // A view that somebody keeps gives it back when it goes.
      if (storage.references > 0) continue
      storage.references = 1
      release(storage)
    }
    for (const storage of this.#used) release(storage)
  }

  #use(...storages: readonly Storage[]): void {
    for (const storage of storages)
      if (storage.owner !== this && !this.#used.has(storage)) {
        storage.references++
        this.#used.add(storage)
      }
  }
}

/** A sequence of commands that can be queued again, without computing anew what they are. */
export class Recording<T> {
  /** What the recorded function returned. Its tensors are the recording's: every replay overwrites them. */
  readonly value: T
  readonly #recorder: Recorder
  readonly #queue: CommandQueue
  readonly #release: (storage: Storage) => void
  readonly #assertUsable: () => void
  #disposed = false

  /** Made by `device.record`. */
  constructor(
    value: T,
    parts: {
      recorder: Recorder
      queue: CommandQueue
      release: (storage: Storage) => void
      assertUsable: () => void
    },
  ) {
    this.value = value
    this.#recorder = parts.recorder
    this.#queue = parts.queue
    this.#release = parts.release
    this.#assertUsable = parts.assertUsable
  }

  /** Queues the commands, their positions and counters moved on by what `advance` says, counted from the recording. */
  replay(advance: Advance = {}): void {
    this.#assertUsable()
    if (this.#disposed) throw new OutriderError('DISPOSED', 'A recording is replayed after it was disposed.')
    for (const command of this.#recorder.commands)
      if ('dispatch' in command) this.#queue.replay(command.dispatch, advance)
      else command.other(this.#queue)
  }

  /** Frees the recording's memory, the tensors of its value included. */
  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    visitTensors(this.value, (tensor) => tensor.dispose())
    this.#recorder.dispose(this.#release)
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}
