import { type Kernel, type ParameterValue, packParameters } from '../kernel/kernel'
import type { Advance, Advancing } from './advancing'
import type { Storage } from './buffer-pool'
import { isOnCpu, type Subgroups } from './capabilities'
import type { KernelTimer } from './kernel-timer'
import type { CompiledKernel } from './pipeline-cache'

const arenaBytes = 256 * 1024

/** How many dispatches wait before they are submitted: `first` after a wait, then twice as many each time, up to `most`. */
export interface Submissions {
  readonly first: number
  readonly most: number
}

/**
 * The device works while the host encodes: it gets the first commands soon after a wait, when it has nothing to do, and then in
 * short submissions. On a GPU a submission costs more than on a CPU that plays one; encoding a pass of a model in whole before
 * the first command begins costs more still (an H100, 1.1 B f16, γ 3: 0.73 in place of 0.53 of plain decoding's tokens/s).
 */
export const submissionsFor = (capabilities: Subgroups): Submissions =>
  isOnCpu(capabilities) ? { first: 8, most: 48 } : { first: 16, most: 64 }

/** One dispatch, ready to encode. */
export interface Dispatch {
  readonly kernel: Kernel
  readonly compiled: CompiledKernel
  readonly bindGroup: GPUBindGroup
  readonly storages: readonly Storage[]
  readonly params: Readonly<Record<string, ParameterValue>>
  readonly workgroups: readonly [number, number?, number?]
  /** Where the device says how many workgroups there are: three u32 from `offset`, in bytes. */
  readonly indirect?: { readonly storage: Storage; readonly offset: number }
}

/** A dispatch whose parameters are packed; of those that replays move on, where they lie. */
export interface RecordedDispatch extends Dispatch {
  readonly packed: Uint8Array
  readonly advancing: readonly { offset: number; value: Advancing }[]
}

/** What a device is told to do, in order: by the queue done, by a recorder taken down. */
export interface Commands {
  dispatch(dispatch: Dispatch): void
  copy(source: Storage, sourceOffset: number, target: Storage, targetOffset: number, bytes: number): void
  clear(target: Storage): void
  /** Writes host bytes (a multiple of 4) to a buffer, in order with the commands around it. */
  upload(target: Storage, offset: number, data: Uint8Array): void
}

/**
 * The one pending command encoder. Parameters and small uploads travel in an arena that is written once a submission, so
 * neither a dispatch nor a small upload costs a buffer or a submission of its own.
 */
export class CommandQueue implements Commands {
  readonly counters = { dispatches: 0, indirectDispatches: 0, submits: 0 }
  /** The number of the submission that pending commands will be part of. */
  serial = 0
  /** Set while `device.profile` runs. */
  timer: KernelTimer | null = null
  readonly #gpu: GPUDevice
  readonly #arena: GPUBuffer
  readonly #arenaGroup: GPUBindGroup
  readonly #staged = new Uint8Array(arenaBytes)
  readonly #stagedView = new DataView(this.#staged.buffer)
  readonly #slotBytes: number
  readonly #submissions: Submissions
  #stagedBytes = 0
  #encoder: GPUCommandEncoder | null = null
  #pass: GPUComputePassEncoder | null = null
  #pendingDispatches = 0
  #nextSubmit: number

  constructor(
    gpu: GPUDevice,
    {
      parametersLayout,
      parameterBytes,
      submissions,
    }: { parametersLayout: GPUBindGroupLayout; parameterBytes: number; submissions: Submissions },
  ) {
    this.#gpu = gpu
    this.#submissions = submissions
    this.#nextSubmit = submissions.first
    this.#slotBytes = Math.max(parameterBytes, gpu.limits.minUniformBufferOffsetAlignment)
    this.#arena = gpu.createBuffer({ label: 'arena', size: arenaBytes, usage: UNIFORM | COPY_SRC | COPY_DST })
    this.#arenaGroup = gpu.createBindGroup({
      layout: parametersLayout,
      entries: [{ binding: 0, resource: { buffer: this.#arena, size: parameterBytes } }],
    })
  }

  dispatch(dispatch: Dispatch): void {
    const { kernel, params } = dispatch
    const offset = this.#reserveParameters(kernel)
    if (kernel.parameters.length > 0) packParameters(kernel, params, this.#stagedView, offset)
    this.#encode(dispatch, offset)
  }

  /** A recorded dispatch once more, some of its parameters advanced. */
  replay(dispatch: RecordedDispatch, advance: Advance): void {
    const { kernel, packed, advancing } = dispatch
    const offset = this.#reserveParameters(kernel)
    this.#staged.set(packed, offset)
    for (const { offset: field, value } of advancing)
      this.#stagedView.setUint32(offset + field, value.word(advance), true)
    this.#encode(dispatch, offset)
  }

  copy(source: Storage, sourceOffset: number, target: Storage, targetOffset: number, bytes: number): void {
    this.#copyEncoder().copyBufferToBuffer(source.buffer, sourceOffset, target.buffer, targetOffset, bytes)
    source.lastUse = target.lastUse = this.serial
  }

  /** Copies into a mappable buffer that the caller owns. */
  copyOut(source: Storage, target: GPUBuffer, bytes: number): void {
    this.#copyEncoder().copyBufferToBuffer(source.buffer, 0, target, 0, bytes)
    source.lastUse = this.serial
  }

  clear(target: Storage): void {
    this.#copyEncoder().clearBuffer(target.buffer, 0, target.capacity)
    target.lastUse = this.serial
  }

  upload(target: Storage, offset: number, data: Uint8Array): void {
    if (data.byteLength <= arenaBytes / 16) {
      const staged = this.#reserve(data.byteLength)
      this.#staged.set(data, staged)
      this.#copyEncoder().copyBufferToBuffer(this.#arena, staged, target.buffer, offset, data.byteLength)
      target.lastUse = this.serial
      return
    }
    // A queue write happens before the pending commands: let those that use the buffer go first.
    if (target.lastUse === this.serial) this.flush()
    this.#gpu.queue.writeBuffer(target.buffer, offset, data as Uint8Array<ArrayBuffer>)
  }

  flush(): void {
    this.#endPass()
    if (!this.#encoder) return
    if (this.#stagedBytes > 0) this.#gpu.queue.writeBuffer(this.#arena, 0, this.#staged, 0, this.#stagedBytes)
    this.timer?.resolve(this.#encoder)
    this.#gpu.queue.submit([this.#encoder.finish()])
    this.#encoder = null
    this.#stagedBytes = 0
    this.#pendingDispatches = 0
    this.#nextSubmit = Math.min(this.#submissions.most, 2 * this.#nextSubmit)
    this.counters.submits++
    this.serial++
  }

  /** The host has waited: the device may be idle. */
  waited(): void {
    this.#nextSubmit = this.#submissions.first
  }

  destroy(): void {
    this.#arena.destroy()
  }

  #reserveParameters(kernel: Kernel): number {
    return kernel.parameters.length > 0 ? this.#reserve(this.#slotBytes) : 0
  }

  #encode({ kernel, compiled, bindGroup, storages, workgroups, indirect }: Dispatch, offset: number): void {
    const pass = this.timer ? this.#timedPass(this.timer, kernel.name) : this.#computePass()
    pass.setPipeline(compiled.pipeline)
    pass.setBindGroup(0, bindGroup)
    if (kernel.parameters.length > 0) pass.setBindGroup(1, this.#arenaGroup, [offset])
    if (indirect) {
      pass.dispatchWorkgroupsIndirect(indirect.storage.buffer, indirect.offset)
      indirect.storage.lastUse = this.serial
      this.counters.indirectDispatches++
    } else {
      pass.dispatchWorkgroups(...workgroups)
    }
    if (this.timer) this.#endPass()
    for (const storage of storages) storage.lastUse = this.serial
    this.counters.dispatches++
    if (++this.#pendingDispatches >= this.#nextSubmit) this.flush()
  }

  /** Space in the arena; where there is none left, the pending commands are submitted and it begins anew. */
  #reserve(bytes: number): number {
    if (this.#stagedBytes + bytes > arenaBytes) this.flush()
    const offset = this.#stagedBytes
    this.#stagedBytes = Math.ceil((offset + bytes) / this.#slotBytes) * this.#slotBytes
    return offset
  }

  #commandEncoder(): GPUCommandEncoder {
    this.#encoder ??= this.#gpu.createCommandEncoder()
    return this.#encoder
  }

  #copyEncoder(): GPUCommandEncoder {
    this.#endPass()
    return this.#commandEncoder()
  }

  #computePass(): GPUComputePassEncoder {
    this.#pass ??= this.#commandEncoder().beginComputePass()
    return this.#pass
  }

  #timedPass(timer: KernelTimer, kernel: string): GPUComputePassEncoder {
    this.#endPass()
    if (timer.full) this.flush()
    this.#pass = this.#commandEncoder().beginComputePass({ timestampWrites: timer.next(kernel) })
    return this.#pass
  }

  #endPass(): void {
    this.#pass?.end()
    this.#pass = null
  }
}

// Fixed by the WebGPU specification; Node has no globals for them.
const COPY_SRC = 0x0004
const COPY_DST = 0x0008
const UNIFORM = 0x0040
