import { OutriderError } from '../errors'

export const mendMemory = 'Use a smaller batch, a shorter context or a smaller model.'

export const isOutOfMemory = (error: GPUError) => error.constructor.name === 'GPUOutOfMemoryError'

export const outOfMemory = (message: string, details: Record<string, unknown> = {}) =>
  new OutriderError('OUT_OF_MEMORY', message, { remedy: mendMemory, details })

/** What has gone wrong on a device since it was last asked. The GPU reports late: a failure is thrown at the next wait. */
export class Failures {
  /** Resolves with the reason when the device is lost or disposed of. */
  readonly lost: Promise<OutriderError>
  /** Lost or disposed of: nothing works any more. */
  #final: OutriderError | null = null
  /** An error of the driver that has not been thrown yet. */
  #pending: OutriderError | null = null

  constructor(gpu: GPUDevice) {
    this.lost = gpu.lost.then(({ message, reason }) => {
      this.#final ??= new OutriderError('DEVICE_LOST', `The GPU device was lost (${reason || 'unknown'}). ${message}`, {
        remedy: 'Make a new device and go on from the last checkpoint.',
      })
      return this.#final
    })
    gpu.addEventListener?.('uncapturederror', (event) => {
      event.preventDefault?.()
      const { error } = event as GPUUncapturedErrorEvent
      this.#pending ??= isOutOfMemory(error) ? outOfMemory(error.message) : new OutriderError('KERNEL', error.message)
    })
  }

  /** Memory was not given. All that the driver says afterwards comes of that. */
  allocationFailed(error: OutriderError): void {
    this.#pending = error
  }

  dispose(): void {
    this.#final = new OutriderError('DISPOSED', 'The device has been disposed of.')
  }

  /** Throws if the device is gone. */
  assertUsable(): void {
    if (this.#final) throw this.#final
  }

  /**
   * Waits for work, and for the checks of the kernels and of the memory in it.
   *
   * @throws OutriderError whatever has failed: the device, a kernel's compilation, the driver
   */
  async settle<T>(work: Promise<T>, kernels: Promise<void>, allocations: Promise<void>): Promise<T> {
    const [done, compiled] = await Promise.allSettled([work, kernels, allocations])
    this.assertUsable()
    const pending = this.#pending
    this.#pending = null
    // Of a broken kernel the driver complains too, but says less than the compiler.
    if (compiled.status === 'rejected') throw compiled.reason
    if (pending) throw pending
    if (done.status === 'fulfilled') return done.value
    const { message } = done.reason as Error
    throw new OutriderError('DEVICE_LOST', `Reading from the GPU failed. ${message}`, { cause: done.reason })
  }
}
