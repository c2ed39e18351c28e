import type { Tape } from '../autograd/tape'
import { bytesPerElement, type DType, paddedBytes, type TypedArray } from '../dtype'
import { OutriderError } from '../errors'
import { type Kernel, type KernelSpecialization, maxParameterBytes } from '../kernel'
import { checkShape, type NestedArray, type Shape, sizeOf } from '../shape'
import { Tensor } from '../tensor'
import { hostBytes, type TensorData, tensorData } from '../tensor-data'
import { BufferPool, type MemoryUse, type Storage } from './buffer-pool'
import { type Capabilities, capabilitiesOf, deviceDescriptor } from './capabilities'
import { CommandQueue } from './command-queue'
import { type KernelTime, KernelTimer } from './kernel-timer'
import { PipelineCache } from './pipeline-cache'
import { Readback } from './readback'
import { isTensor, Scope, visitTensors } from './scope'
import { type Wait, waitOf } from './wait'

export interface DeviceOptions {
  /** The adapter to use; in a browser it may be left out. `nodeAdapter()` of `@outrider/tensor/node` finds one in Node. */
  adapter?: GPUAdapter | Promise<GPUAdapter> | undefined
  /** A device that the program already has. It is not destroyed by `dispose`. */
  device?: GPUDevice | undefined
}

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

/**
 * A WebGPU device.
 *
 * @throws OutriderError NO_ADAPTER where there is no WebGPU, or no adapter
 */
export async function createDevice({ adapter, device }: DeviceOptions = {}): Promise<Device> {
  if (device) return new Device(device, { owned: false, info: device.adapterInfo, wait: waitOf(undefined) })
  const chosen = adapter ? await adapter : await defaultAdapter()
  const gpu = await chosen.requestDevice(deviceDescriptor(chosen))
  return new Device(gpu, { owned: true, info: chosen.info, wait: waitOf(chosen) })
}

async function defaultAdapter(): Promise<GPUAdapter> {
  const gpu = globalThis.navigator?.gpu
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' })
  if (adapter) return adapter
  throw new OutriderError(
    'NO_ADAPTER',
    gpu ? 'This browser offers no WebGPU adapter.' : 'WebGPU is not available here.',
    {
      remedy: gpu
        ? 'Check that hardware acceleration is on and the graphics driver is up to date.'
        : "In Node, pass { adapter: await nodeAdapter() } from '@outrider/tensor/node'; in a browser, use a recent one over https or localhost.",
    },
  )
}

/** Makes tensors and runs kernels. Operations on it are synchronous; only reading back waits. */
export class Device {
  readonly gpu: GPUDevice
  readonly capabilities: Capabilities
  /** The adapter as people know it. */
  readonly adapterName: string
  /** Whether the adapter is a software one. */
  readonly isSoftware: boolean
  /** Resolves with the reason when the device is lost or disposed. */
  readonly lost: Promise<OutriderError>
  /** The tape that operations are recorded on, if any. Used by `valueAndGradient`. */
  tape: Tape | null = null
  readonly #owned: boolean
  readonly #wait: Wait
  readonly #pool: BufferPool
  readonly #pipelines: PipelineCache
  readonly #queue: CommandQueue
  readonly #readback: Readback
  readonly #bindGroups = new Map<string, GPUBindGroup>()
  #bindGroupsMade = 0
  #scopes: Scope[] = []
  #failure: OutriderError | null = null
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
    this.lost = gpu.lost.then(({ message, reason }) => {
      this.#failure = new OutriderError(
        'DEVICE_LOST',
        this.#disposed
          ? 'The device has been disposed.'
          : `The GPU device was lost (${reason || 'unknown'}). ${message}`,
        {
          remedy: this.#disposed ? undefined : 'Make a new device and go on from the last checkpoint.',
        },
      )
      return this.#failure
    })
    gpu.addEventListener?.('uncapturederror', (event) => {
      event.preventDefault?.()
      const { error } = event as GPUUncapturedErrorEvent
      const outOfMemory = error.constructor.name === 'GPUOutOfMemoryError'
      this.#failure ??= new OutriderError(outOfMemory ? 'OUT_OF_MEMORY' : 'KERNEL', error.message, {
        remedy: outOfMemory ? 'Use a smaller batch, a shorter context or a smaller model.' : undefined,
      })
    })
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
    this.#assertUsable()
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
    this.#assertUsable()
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
      bindGroup: this.#bindGroup(compiled.layoutKey, compiled.layout, storages),
      storages,
      params,
      workgroups,
    })
  }

  /** Queues a copy of elements between tensors of one dtype; offsets and count in elements, in multiples of 4 bytes. */
  copy(source: Tensor, sourceOffset: number, target: Tensor, targetOffset: number, count: number): void {
    this.#assertUsable()
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
    this.#assertUsable()
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
      bindGroups: this.#bindGroupsMade,
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
    this.#failure = new OutriderError('DISPOSED', 'The device has been disposed.')
    this.#queue.destroy()
    if (this.#owned) this.gpu.destroy()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #bindGroup(layoutKey: string, layout: GPUBindGroupLayout, storages: readonly Storage[]): GPUBindGroup {
    let key = layoutKey
    for (const { id, bytes } of storages) key += `,${id}:${bytes}`
    let group = this.#bindGroups.get(key)
    if (!group) {
      if (this.#bindGroups.size >= 16384) this.#bindGroups.clear()
      // The binding ends where the tensor does, so that arrayLength is the tensor's.
      group = this.gpu.createBindGroup({
        layout,
        entries: storages.map(({ buffer, bytes }, binding) => ({ binding, resource: { buffer, size: bytes } })),
      })
      this.#bindGroupsMade++
      this.#bindGroups.set(key, group)
    }
    return group
  }

  /** Waits for the GPU; a kernel that does not compile, a lost device or an error of the driver is thrown here. */
  async #settle<T>(promise: Promise<T>): Promise<T> {
    const outcome = promise.catch((error: unknown) => error)
    const check = await this.#wait(this.#pipelines.check().catch((error: unknown) => error))
    const value = await this.#wait(outcome)
    if (check) {
      // The driver's complaint about the broken pipeline says less than the compiler's.
      if (this.#failure?.code === 'KERNEL') this.#failure = null
      throw check
    }
    this.#throwFailure()
    if (value instanceof Error)
      throw new OutriderError('DEVICE_LOST', `Reading from the GPU failed. ${value.message}`, { cause: value })
    return value as T
  }

  #assertUsable(): void {
    if (this.#failure?.code === 'DEVICE_LOST' || this.#failure?.code === 'DISPOSED') throw this.#failure
  }

  #throwFailure(): void {
    const failure = this.#failure
    if (!failure) return
    if (failure.code !== 'DEVICE_LOST' && failure.code !== 'DISPOSED') this.#failure = null
    throw failure
  }
}

export type { NestedArray }
