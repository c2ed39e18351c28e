import { type Kernel, packParameters } from '../kernel'
import type { Storage } from './buffer-pool'
import type { KernelTimer } from './kernel-timer'
import type { CompiledKernel } from './pipeline-cache'

const arenaBytes = 256 * 1024
/** Submit when this many dispatches wait, so that the device works while the host encodes on. */
const dispatchesPerSubmit = 48
/** After a wait the device has nothing to do: the first submission is this short, and each may be twice the one before. */
const dispatchesAfterWait = 8

/** One dispatch, ready to encode. */
export interface Dispatch {
  readonly kernel: Kernel
  readonly compiled: CompiledKernel
  readonly bindGroup: GPUBindGroup
  readonly storages: readonly Storage[]
  readonly params: Readonly<Record<string, number>>
  readonly workgroups: readonly [number, number?, number?]
}

/**
 * The one pending command encoder. Parameters and small uploads travel in an arena that is written once a submission, so
 * neither a dispatch nor a small upload costs a buffer or a submission of its own.
 */
export class CommandQueue {
  readonly counters = { dispatches: 0, submits: 0 }
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
  #stagedBytes = 0
  #encoder: GPUCommandEncoder | null = null
  #pass: GPUComputePassEncoder | null = null
  #pendingDispatches = 0
  #nextSubmit = dispatchesAfterWait

  constructor(gpu: GPUDevice, parametersLayout: GPUBindGroupLayout, parameterBytes: number) {
    this.#gpu = gpu
    this.#slotBytes = Math.max(parameterBytes, gpu.limits.minUniformBufferOffsetAlignment)
    this.#arena = gpu.createBuffer({ label: 'arena', size: arenaBytes, usage: UNIFORM | COPY_SRC | COPY_DST })
    this.#arenaGroup = gpu.createBindGroup({
      layout: parametersLayout,
      entries: [{ binding: 0, resource: { buffer: this.#arena, size: parameterBytes } }],
    })
  }

  dispatch({ kernel, compiled, bindGroup, storages, params, workgroups: [x, y = 1, z = 1] }: Dispatch): void {
    const offset = kernel.parameters.length > 0 ? this.#reserve(this.#slotBytes) : 0
    if (kernel.parameters.length > 0) packParameters(kernel, params, this.#stagedView, offset)
    const pass = this.timer ? this.#timedPass(this.timer, kernel.name) : this.#computePass()
    pass.setPipeline(compiled.pipeline)
    pass.setBindGroup(0, bindGroup)
    if (kernel.parameters.length > 0) pass.setBindGroup(1, this.#arenaGroup, [offset])
    pass.dispatchWorkgroups(x, y, z)
    if (this.timer) this.#endPass()
    for (const storage of storages) storage.lastUse = this.serial
    this.counters.dispatches++
    if (++this.#pendingDispatches >= this.#nextSubmit) this.flush()
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

  /** Writes host bytes (a multiple of 4) to a buffer, in order with the commands around it. */
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
    this.#nextSubmit = Math.min(dispatchesPerSubmit, 2 * this.#nextSubmit)
    this.counters.submits++
    this.serial++
  }

  /** The host has waited: the device may be idle. */
  waited(): void {
    this.#nextSubmit = dispatchesAfterWait
  }

  destroy(): void {
    this.#arena.destroy()
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
