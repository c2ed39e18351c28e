import { OutriderError } from '../errors'

const mendMemory = 'Use a smaller batch, a shorter context or a smaller model.'

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
      const outOfMemory = error.constructor.name === 'GPUOutOfMemoryError'
      this.#pending ??= new OutriderError(outOfMemory ? 'OUT_OF_MEMORY' : 'KERNEL', error.message, {
        remedy: outOfMemory ? mendMemory : undefined,
      })
    })
  }

  dispose(): void {
    this.#final = new OutriderError('DISPOSED', 'The device has been disposed of.')
  }

  /** Throws if the device is gone. */
  assertUsable(): void {
    if (this.#final) throw this.#final
  }

  /**
   * Waits for work and for the check of the kernels in it.
   *
   * @throws OutriderError whatever has failed: the device, a kernel's compilation, the driver
   */
  async settle<T>(work: Promise<T>, kernels: Promise<void>): Promise<T> {
    const [done, compiled] = await Promise.allSettled([work, kernels])
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
