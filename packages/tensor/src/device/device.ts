import { tapeOf } from '../autograd/tape'
import { bytesPerElement, type DType, isFormat, paddedBytes, storedBytes, type TypedArray } from '../dtype'
import { OutriderError, ShapeError } from '../errors'
import { arrangeBlocks } from '../formats/arrange'
import { formats, restBytes, wordBytes } from '../formats/index'
import type { Kernel, KernelSpecialization, ParameterValue } from '../kernel/index'
import { maxParameterBytes } from '../kernel/kernel'
import { checkShape, type Shape, sizeOf } from '../shape'
import { Tensor } from '../tensor'
import { hostBytes, type TensorData, tensorData } from '../tensor-data'
import { KernelChoices } from '../tuning/kernel-choices'
import { adapterIdentity } from './adapter-identity'
import { BindGroupCache } from './bind-group-cache'
import { boundStorages } from './bound-storages'
import { BufferPool, type MemoryUse, type Storage } from './buffer-pool'
import { type Capabilities, capabilitiesOf, isOnCpu } from './capabilities'
import { CommandQueue, type Commands, submissionsFor } from './command-queue'
import { conditionalWorkgroups } from './conditional-workgroups'
import { Failures, mendMemory } from './failures'
import { hostMemoryBytes } from './host-memory'
import { type KernelTime, KernelTimer } from './kernel-timer'
import type { MatrixUnit } from './matrix-units'
import { PipelineCache } from './pipeline-cache'
import { Readback } from './readback'
import { Recorder, Recording } from './recording'
import { Scope, visitTensors } from './scope'
import type { Wait } from './wait'

/** One run of a kernel. */
export interface KernelRun extends KernelSpecialization {
  /** Tensors by the names of the WGSL storage variables. */
  bindings: Readonly<Record<string, Tensor>>
  /** Values by the names of the fields of `struct Params`. */
  params?: Readonly<Record<string, ParameterValue>>
  workgroups: readonly [number, number?, number?]
}

/** Things done since the device was made, for budgets and tests. */
export interface DeviceCounters {
  dispatches: number
  /** Those of them of which the device says whether they run. A browser or Dawn checks each in a dispatch of its own before it. */
  indirectDispatches: number
  submits: number
  readbacks: number
  bytesRead: number
  bindGroups: number
  pipelines: number
}

/** Makes tensors and runs kernels. Operations on it are synchronous; only reading back waits. */
export class Device {
  readonly gpu: GPUDevice
  readonly capabilities: Capabilities
  /** The adapter as people know it. */
  readonly adapterName: string
  /** What tells this adapter from others, as far as it says: what was measured on one holds for no other. */
  readonly adapterIdentity: string
  /** Whether the adapter is a software one. */
  readonly isSoftware: boolean
  /**
   * The kernels that were found fastest on this adapter (tuning), where any were.
   *
   * @internal
   */
  readonly kernels = new KernelChoices()
  readonly #owned: boolean
  readonly #wait: Wait
  readonly #pool: BufferPool
  readonly #pipelines: PipelineCache
  readonly #queue: CommandQueue
  readonly #readback: Readback
  readonly #bindGroups: BindGroupCache
  readonly #failures: Failures
  #scopes: Scope[] = []
  #recorder: Recorder | null = null
  #disposed = false

  constructor(
    gpu: GPUDevice,
    {
      owned,
      info,
      wait,
      matrixUnits,
      maxBindingBytes = Number.POSITIVE_INFINITY,
      maxMemoryBytes,
      submitEvery,
    }: {
      owned: boolean
      info: GPUAdapterInfo | undefined
      wait: Wait
      matrixUnits?: readonly MatrixUnit[] | undefined
      maxBindingBytes?: number | undefined
      maxMemoryBytes?: number | undefined
      submitEvery?: number | undefined
    },
  ) {
    this.gpu = gpu
    this.#owned = owned
    this.#wait = wait
    const capabilities = capabilitiesOf(gpu, info, matrixUnits)
    this.capabilities = {
      ...capabilities,
      maxBindingBytes: Math.min(capabilities.maxBindingBytes, maxBindingBytes),
    }
    this.adapterName = info
      ? [info.description || info.device || info.architecture, info.vendor && `(${info.vendor})`]
          .filter(Boolean)
          .join(' ')
      : 'unknown adapter'
    this.adapterIdentity = adapterIdentity(info, this.capabilities)
    this.isSoftware = info?.isFallbackAdapter ?? false
    this.#failures = new Failures(gpu)
    this.#pool = new BufferPool(gpu, {
      maxBytes:
        maxMemoryBytes ?? (this.isSoftware || isOnCpu(capabilities) ? hostMemoryBytes() : Number.POSITIVE_INFINITY),
      onFailure: (error) => this.#failures.allocationFailed(error),
      onShort: () => {
        this.#queue.flush()
        this.#pool.giveBack()
        this.#bindGroups.clear()
      },
    })
    this.#pipelines = new PipelineCache(gpu)
    this.#queue = new CommandQueue(gpu, {
      parametersLayout: this.#pipelines.parametersLayout,
      parameterBytes: maxParameterBytes,
      submissions: submitEvery ? { first: submitEvery, most: submitEvery } : submissionsFor(capabilities),
    })
    this.#readback = new Readback(gpu, this.#queue)
    this.#bindGroups = new BindGroupCache(gpu)
  }

  /** Resolves with the reason when the device is lost or disposed of. */
  get lost(): Promise<OutriderError> {
    return this.#failures.lost
  }

  /**
   * A tensor from host data. Numbers become f32; typed arrays keep their type (Uint16Array holds f16 bits); a Uint8Array holds
   * elements of the given dtype as files do.
   */
  tensor(data: TensorData, options: { shape?: Shape; dtype?: DType } = {}): Tensor {
    const { array, shape, dtype } = tensorData(data, options)
    const tensor = this.empty(shape, dtype)
    this.upload(tensor, array)
    return tensor
  }

  zeros(shape: Shape, dtype: DType = 'f32'): Tensor {
    const tensor = this.empty(shape, dtype)
    for (const { storage } of tensor.slabs) this.#commands.clear(storage)
    return tensor
  }

  full(shape: Shape, value: number, dtype: DType = 'f32'): Tensor {
    if (value === 0) return this.zeros(shape, dtype)
    this.#checkSize('device.full', shape, dtype)
    const size = sizeOf(shape)
    // A large tensor is filled piece by piece: the host never holds it whole.
    const piece = Math.min(size, filledAtOnce)
    const numbers =
      dtype === 'u32' ? new Uint32Array(piece) : dtype === 'i32' ? new Int32Array(piece) : new Float32Array(piece)
    numbers.fill(value)
    const whole = hostBytes(numbers, dtype, piece)
    const tensor = this.empty(shape, dtype)
    for (const slab of tensor.slabs)
      for (let first = 0; first < slab.size; first += piece) {
        const count = Math.min(piece, slab.size - first)
        this.#uploadElements(slab, first, whole.subarray(0, (whole.length / piece) * count))
      }
    return tensor
  }

  /**
   * A tensor whose contents are whatever the memory held: for kernels that write every element. A matrix larger than one
   * binding lies in slabs.
   */
  empty(shape: Shape, dtype: DType = 'f32'): Tensor {
    this.#failures.assertUsable()
    const bytes = this.#checkSize('device.empty', shape, dtype)
    const slabRows = bytes > this.#slabBytes && shape.length === 2 ? this.#slabRows(shape[1]!, dtype) : 0
    if (slabRows === 0) return this.adopt(this.#acquire(bytes), shape, dtype)
    const slabs: Tensor[] = []
    for (let first = 0; first < shape[0]!; first += slabRows) {
      const slab = [Math.min(slabRows, shape[0]! - first), shape[1]!]
      slabs.push(new Tensor(this, this.#acquire(paddedBytes(sizeOf(slab), dtype)), slab, dtype, null))
    }
    return new Tensor(this, slabs, shape, dtype, this.#scopes.at(-1) ?? null)
  }

  /** The bytes that a tensor takes, before anything is allocated for it on either side. */
  #checkSize(operation: string, shape: Shape, dtype: DType): number {
    checkShape(operation, shape)
    const blockElements = isFormat(dtype) ? formats[dtype].elements : 1
    if ((shape.at(-1) ?? 1) % blockElements !== 0)
      throw new ShapeError(operation, [shape], `rows of ${dtype} must be multiples of ${blockElements}`)
    const bytes = paddedBytes(sizeOf(shape), dtype)
    const most = shape.length === 2 ? maxSlabs * this.#slabBytes : this.capabilities.maxBufferBytes
    if (bytes > most)
      throw new OutriderError(
        'DEVICE_LIMIT',
        `${operation}: a tensor [${shape.join(', ')}] of ${bytes} bytes is larger than the ${most} that this device holds as one.`,
        { remedy: mendMemory, details: { bytes } },
      )
    this.#pool.assertRoom(bytes)
    return bytes
  }

  #acquire(bytes: number): Storage {
    return (this.#recorder ?? this.#pool).acquire(bytes)
  }

  /** Who takes the commands: the queue, or a recorder. */
  get #commands(): Commands {
    return this.#recorder ?? this.#queue
  }

  get #slabBytes(): number {
    return Math.min(this.capabilities.maxBindingBytes, this.capabilities.maxBufferBytes)
  }

  /** How many rows fit into one binding; 0 if none do. Even, as the scales of one row may end within a word. */
  #slabRows(columns: number, dtype: DType): number {
    return 2 * Math.floor((this.#slabBytes - 16) / storedBytes(2 * columns, dtype))
  }

  /**
   * A tensor over memory whose reference the caller hands over. Used by views.
   *
   * @internal
   */
  adopt(storage: Storage, shape: Shape, dtype: DType): Tensor {
    const scope = this.#scopes.at(-1)
    return new Tensor(this, storage, shape, dtype, scope ?? null)
  }

  /**
   * Lets go of one tensor's hold on its memory. Called by `Tensor.dispose`.
   *
   * @internal
   */
  release(storage: Storage): void {
    ;(storage.owner ?? this.#pool).release(storage)
  }

  /**
   * Runs `body` and disposes of every tensor made in it, except those in the value it returns (a tensor, an array or a
   * plain object of tensors, nested), those that were kept, and those that gradients will be computed from.
   */
  scope<T>(body: () => T): T {
    const scope = new Scope()
    const depth = this.#scopes.push(scope)
    const parent = this.#scopes[depth - 2] ?? null
    try {
      const value = body()
      visitTensors(value, (tensor) => {
        if (scope.tensors.has(tensor)) tensor.moveTo(parent)
      })
      return value
    } finally {
      this.#scopes.length = depth - 1
      const held = tapeOf(this)?.held
      for (const tensor of [...scope.tensors])
        if (held?.has(tensor)) tensor.moveTo(parent)
        else tensor.dispose()
    }
  }

  /**
   * Takes down what `body` would queue, to be queued by `replay` as often as wanted, at a fraction of the host's time. All that
   * `body` decides on the host, it decides once; what changes from time to time are the contents of tensors from outside,
   * and the parameters of kernels that are a `position` or a `counter`, which a replay moves on.
   *
   * The memory of all tensors made in `body` is the recording's, until it is disposed.
   *
   * @returns the recording; nothing has been queued yet
   * @throws OutriderError INVALID_ARGUMENT inside another recording, or while gradients are recorded
   *
   * @internal
   */
  record<T>(body: () => T): Recording<T> {
    this.#failures.assertUsable()
    if (this.#recorder || tapeOf(this))
      throw new OutriderError('INVALID_ARGUMENT', 'device.record: a recording or a tape is already running.')
    const recorder = new Recorder(this.#pool)
    const release = (storage: Storage) => this.release(storage)
    this.#recorder = recorder
    try {
      const value = this.scope(body)
      visitTensors(value, (tensor) => tensor.keep())
      const assertUsable = () => this.#failures.assertUsable()
      return new Recording(value, { recorder, queue: this.#queue, release, assertUsable })
    } catch (error) {
      recorder.dispose(release)
      throw error
    } finally {
      this.#recorder = null
    }
  }

  /**
   * Records kernels that a replay runs only where `condition`, u32 [1], is not 0 then: the device decides, and nobody waits for
   * it. Copies are made in any case, and what is not run leaves its tensors as they were. Conditions are not nested. Where
   * nothing is recorded, all is run.
   *
   * @internal
   */
  when<T>(condition: Tensor, body: () => T): T {
    const recorder = this.#recorder
    if (!recorder) return body()
    const first = recorder.commands.length
    const value = body()
    const counts = recorder.workgroupsFrom(first)
    // Memory that is not the recording's, which later kernels of the body may have had.
    const [given, workgroups] = this.#outside(() => [this.tensor(counts), this.empty([counts.length], 'u32')])
    this.run(conditionalWorkgroups, {
      bindings: { condition, counts: given, workgroups },
      params: { count: counts.length },
      workgroups: [1],
    })
    recorder.makeIndirect(first, workgroups.storage)
    given.dispose()
    workgroups.dispose()
    return value
  }

  #outside<T>(body: () => T): T {
    const recorder = this.#recorder
    this.#recorder = null
    try {
      return body()
    } finally {
      this.#recorder = recorder
    }
  }

  /** Queues one run of a kernel. */
  run(kernel: Kernel, run: KernelRun): void {
    this.#failures.assertUsable()
    const { bindings, params = {}, workgroups } = run
    const storages = boundStorages(this, kernel, bindings)
    const compiled = this.#pipelines.get(kernel, run, bindings, this.capabilities.shaderF16)
    this.#commands.dispatch({
      kernel,
      compiled,
      bindGroup: this.#bindGroups.get(compiled, storages),
      storages,
      params,
      workgroups,
    })
  }

  /** Queues a copy of elements between tensors of one dtype; offsets and count in elements, in multiples of 4 bytes. */
  copy(source: Tensor, sourceOffset: number, target: Tensor, targetOffset: number, count: number): void {
    this.#failures.assertUsable()
    source.assertUsable('device.copy')
    target.assertUsable('device.copy')
    const bytes = bytesPerElement('device.copy', source.dtype)
    this.#commands.copy(
      source.storage,
      sourceOffset * bytes,
      target.storage,
      targetOffset * bytes,
      Math.ceil((count * bytes) / 4) * 4,
    )
  }

  /**
   * Overwrites a tensor's elements, or those of some of its rows, in order with the operations around it.
   *
   * @internal
   */
  upload(tensor: Tensor, array: TypedArray, rows?: { first: number; count: number }): void {
    tensor.assertUsable('tensor.write')
    const { first, count } = rows ?? { first: 0, count: tensor.shape[0] ?? 1 }
    const height = tensor.shape[0] ?? 1
    if (!(first >= 0 && count > 0 && first + count <= height))
      throw new ShapeError('tensor.write', [tensor.shape], `rows ${first} to ${first + count} do not exist`)
    const rowSize = tensor.size / height
    const bytes = hostBytes(array, tensor.dtype, count * rowSize)
    const rowBytes = bytes.length / count
    let start = 0
    for (const slab of tensor.slabs) {
      const end = start + (slab.shape[0] ?? 1)
      const [from, to] = [Math.max(first, start), Math.min(first + count, end)]
      if (from < to)
        this.#uploadElements(
          slab,
          (from - start) * rowSize,
          bytes.subarray((from - first) * rowBytes, (to - first) * rowBytes),
        )
      start = end
    }
  }

  /** Writes elements as files have them, from one on. */
  #uploadElements({ storage, size, dtype }: Tensor, first: number, bytes: Uint8Array): void {
    if (!isFormat(dtype)) {
      this.#commands.upload(storage, 4 * first, bytes)
      return
    }
    const format = formats[dtype]
    const { words, rest } = arrangeBlocks(format, bytes)
    const place = wordBytes(format.device, first)
    const restPlace = restBytes(format, first)
    if (place % 4 !== 0 || restPlace % 4 !== 0)
      throw new ShapeError('tensor.write', [[first]], `rows of ${dtype} can be written from whole words on`)
    this.#commands.upload(storage, place, wholeWords(words))
    if (rest.length > 0) this.#commands.upload(storage, wordBytes(format.device, size) + restPlace, wholeWords(rest))
  }

  /**
   * The bytes of several tensors, read in one wait.
   *
   * @internal
   */
  async read(tensors: readonly Tensor[]): Promise<ArrayBuffer[]> {
    this.#failures.assertUsable()
    if (this.#recorder) throw new OutriderError('INVALID_ARGUMENT', 'device.record: what is recorded cannot be read.')
    for (const tensor of tensors) tensor.assertUsable('tensor.data')
    const slabs = tensors.flatMap((tensor) => tensor.slabs)
    const pending = this.#readback.read(
      slabs.map(({ storage, size, dtype }) => ({
        storage,
        bytes: Math.ceil((size * bytesPerElement('tensor.data', dtype)) / 4) * 4,
      })),
    )
    const buffers = await this.#settle(pending)
    return tensors.map((tensor) => joined(buffers.splice(0, tensor.slabs.length)))
  }

  /** Submits what is queued. */
  flush(): void {
    this.#queue.flush()
    if (this.#pool.trim()) this.#bindGroups.clear()
  }

  /** Submits what is queued and waits until the device has done it. */
  async idle(): Promise<void> {
    this.flush()
    await this.#settle(this.gpu.queue.onSubmittedWorkDone())
  }

  get memory(): Readonly<MemoryUse> {
    return { ...this.#pool.memory }
  }

  /** Begins the peak of memory anew, from what is live. */
  resetPeak(): void {
    this.#pool.memory.peakBytes = this.#pool.memory.liveBytes
  }

  get counters(): DeviceCounters {
    return {
      ...this.#queue.counters,
      ...this.#readback.counters,
      bindGroups: this.#bindGroups.made,
      pipelines: this.#pipelines.count,
    }
  }

  /**
   * Device time by kernel while `body` runs, the dearest first. Every dispatch runs in a pass of its own meanwhile.
   *
   * @throws OutriderError UNSUPPORTED where the device has no timestamp queries
   */
  async profile<T>(body: () => Promise<T> | T): Promise<{ value: T; kernels: KernelTime[] }> {
    if (!this.capabilities.timestampQuery)
      throw new OutriderError('UNSUPPORTED', 'This device has no timestamp queries, so kernels cannot be timed.')
    this.#queue.flush()
    const timer = new KernelTimer(this.gpu)
    this.#queue.timer = timer
    try {
      const value = await body()
      this.#queue.flush()
      return { value, kernels: await this.#settle(timer.finish()) }
    } finally {
      this.#queue.flush()
      this.#queue.timer = null
    }
  }

  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#failures.dispose()
    this.#queue.destroy()
    if (this.#owned) this.gpu.destroy()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #settle<T>(work: Promise<T>): Promise<T> {
    return this.#wait(this.#failures.settle(work, this.#pipelines.check(), this.#pool.allocated()))
  }
}

/** A matrix lies in so many slabs at most. */
const maxSlabs = 256

/** Elements; whole blocks of every format. */
const filledAtOnce = 2 ** 20

/** Copies into buffers move whole words. */
function wholeWords(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength % 4 === 0) return bytes
  const padded = new Uint8Array(Math.ceil(bytes.byteLength / 4) * 4)
  padded.set(bytes)
  return padded
}

function joined(buffers: readonly ArrayBuffer[]): ArrayBuffer {
  if (buffers.length === 1) return buffers[0]!
  const all = new Uint8Array(buffers.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let at = 0
  for (const buffer of buffers) {
    all.set(new Uint8Array(buffer), at)
    at += buffer.byteLength
  }
  return all.buffer
}
