import type { Tape } from '../autograd/tape'
import { bytesPerElement, type DType, paddedBytes, type TypedArray } from '../dtype'
import { OutriderError } from '../errors'
import { type Kernel, type KernelSpecialization, maxParameterBytes } from '../kernel'
import { checkShape, type Shape, sizeOf } from '../shape'
import { Tensor } from '../tensor'
import { hostBytes, type TensorData, tensorData } from '../tensor-data'
import { BindGroupCache } from './bind-group-cache'
import { BufferPool, type MemoryUse, type Storage } from './buffer-pool'
import { type Capabilities, capabilitiesOf } from './capabilities'
import { CommandQueue } from './command-queue'
import { Failures } from './failures'
import { type KernelTime, KernelTimer } from './kernel-timer'
import { PipelineCache } from './pipeline-cache'
import { Readback } from './readback'
import { isTensor, Scope, visitTensors } from './scope'
import type { Wait } from './wait'

/** One run of a kernel. */
export interface KernelRun extends KernelSpecialization {
  /** Tensors by the names of the WGSL storage variables. */
  bindings: Readonly<Record<string, Tensor>>
  /** Values by the names of the fields of `struct Params`. */
  params?: Readonly<Record<string, number>>
  workgroups: readonly [number, number?, number?]
}

/** Things done since the device was made, for budgets and tests. */
export interface DeviceCounters {
  dispatches: number
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
  /** Whether the adapter is a software one. */
  readonly isSoftware: boolean
  /** The tape that operations are recorded on, if any. Used by `valueAndGradient`. */
  tape: Tape | null = null
  readonly #owned: boolean
  readonly #wait: Wait
  readonly #pool: BufferPool
  readonly #pipelines: PipelineCache
  readonly #queue: CommandQueue
  readonly #readback: Readback
  readonly #bindGroups: BindGroupCache
  readonly #failures: Failures
  #scopes: Scope[] = []
  #disposed = false

  constructor(gpu: GPUDevice, { owned, info, wait }: { owned: boolean; info: GPUAdapterInfo | undefined; wait: Wait }) {
    this.gpu = gpu
    this.#owned = owned
    this.#wait = wait
    this.capabilities = capabilitiesOf(gpu, info)
    this.adapterName = info
      ? [info.description || info.device || info.architecture, info.vendor && `(${info.vendor})`]
          .filter(Boolean)
          .join(' ')
      : 'unknown adapter'
    this.isSoftware = info?.isFallbackAdapter ?? false
    this.#pool = new BufferPool(gpu)
    this.#pipelines = new PipelineCache(gpu)
    this.#queue = new CommandQueue(gpu, this.#pipelines.parametersLayout, maxParameterBytes)
    this.#readback = new Readback(gpu, this.#queue)
    this.#bindGroups = new BindGroupCache(gpu)
    this.#failures = new Failures(gpu)
  }

  /** Resolves with the reason when the device is lost or disposed of. */
  get lost(): Promise<OutriderError> {
    return this.#failures.lost
  }

  /** A tensor from host data. Numbers become f32; typed arrays keep their type (Uint16Array holds f16 bits). */
  tensor(data: TensorData, options: { shape?: Shape; dtype?: DType } = {}): Tensor {
    const { array, shape, dtype } = tensorData(data, options)
    const tensor = this.empty(shape, dtype)
    this.#queue.upload(tensor.storage, 0, hostBytes(array, dtype, tensor.size))
    return tensor
  }

  zeros(shape: Shape, dtype: DType = 'f32'): Tensor {
    const tensor = this.empty(shape, dtype)
    this.#queue.clear(tensor.storage)
    return tensor
  }

  full(shape: Shape, value: number, dtype: DType = 'f32'): Tensor {
    if (value === 0) return this.zeros(shape, dtype)
    const array =
      dtype === 'u32'
        ? new Uint32Array(sizeOf(shape))
        : dtype === 'i32'
          ? new Int32Array(sizeOf(shape))
          : new Float32Array(sizeOf(shape))
    return this.tensor(array.fill(value), { shape, dtype })
  }

  /** A tensor whose contents are whatever the memory held: for kernels that write every element. */
  empty(shape: Shape, dtype: DType = 'f32'): Tensor {
    this.#failures.assertUsable()
    checkShape('device.empty', shape)
    return this.adopt(this.#pool.acquire(paddedBytes(sizeOf(shape), dtype)), shape, dtype)
  }

  /** A tensor over memory whose reference the caller hands over. Used by views. */
  adopt(storage: Storage, shape: Shape, dtype: DType): Tensor {
    const scope = this.#scopes.at(-1)
    return new Tensor(this, storage, shape, dtype, scope ?? null)
  }

  /** Lets go of one tensor's hold on its memory. Called by `Tensor.dispose`. */
  release(storage: Storage): void {
    this.#pool.release(storage)
  }

  /**
   * Runs `body` and disposes of every tensor made in it, except those in the value it returns (a tensor, an array or a
   * plain object of tensors, nested) and those that were kept.
   */
  scope<T>(body: () => T): T {
    const scope = new Scope()
    const depth = this.#scopes.push(scope)
    try {
      const value = body()
      const parent = this.#scopes[depth - 2]
      visitTensors(value, (tensor) => {
        if (scope.tensors.has(tensor)) tensor.moveTo(parent ?? null)
      })
      return value
    } finally {
      this.#scopes.length = depth - 1
      for (const tensor of [...scope.tensors]) tensor.dispose()
    }
  }

  /** Queues one run of a kernel. */
  run(kernel: Kernel, { bindings, params = {}, workgroups, ...specialization }: KernelRun): void {
    this.#failures.assertUsable()
    const compiled = this.#pipelines.get(kernel, specialization)
    const tensors = kernel.bindings.map(({ name, access }) => {
      const tensor = bindings[name]
      if (!isTensor(tensor))
        throw new OutriderError('KERNEL', `Kernel ${kernel.name}: no tensor is given for "${name}".`)
      if (tensor.device !== this)
        throw new OutriderError('INVALID_ARGUMENT', `Kernel ${kernel.name}: "${name}" lives on another device.`)
      tensor.assertUsable(kernel.name)
      if (tensor.storage.bytes > this.capabilities.maxBindingBytes)
        throw new OutriderError(
          'DEVICE_LIMIT',
          `Kernel ${kernel.name}: "${name}" [${tensor.shape.join(', ')}] takes ${tensor.storage.bytes} bytes; one binding of this device holds ${this.capabilities.maxBindingBytes}.`,
        )
      return { access, storage: tensor.storage }
    })
    for (const [i, { access, storage }] of tensors.entries())
      if (access === 'read_write' && tensors.some((other, j) => j !== i && other.storage === storage))
        throw new OutriderError(
          'KERNEL',
          `Kernel ${kernel.name}: "${kernel.bindings[i]!.name}" is written and shares its memory with another binding.`,
        )
    const storages = tensors.map(({ storage }) => storage)
    this.#queue.dispatch({
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
    const bytes = bytesPerElement[source.dtype]
    this.#queue.copy(
      source.storage,
      sourceOffset * bytes,
      target.storage,
      targetOffset * bytes,
      Math.ceil((count * bytes) / 4) * 4,
    )
  }

  /** Overwrites a tensor's elements, in order with the operations around it. */
  upload(tensor: Tensor, array: TypedArray): void {
    tensor.assertUsable('tensor.write')
    this.#queue.upload(tensor.storage, 0, hostBytes(array, tensor.dtype, tensor.size))
  }

  /** The bytes of several tensors, read in one wait. */
  async read(tensors: readonly Tensor[]): Promise<ArrayBuffer[]> {
    this.#failures.assertUsable()
    for (const tensor of tensors) tensor.assertUsable('tensor.data')
    const pending = this.#readback.read(
      tensors.map(({ storage, size, dtype }) => ({
        storage,
        bytes: Math.ceil((size * bytesPerElement[dtype]) / 4) * 4,
      })),
    )
    return this.#settle(pending)
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
    return this.#wait(this.#failures.settle(work, this.#pipelines.check()))
  }
}
