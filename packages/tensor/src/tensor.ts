import { differentiable } from './autograd/tape'
import type { Storage } from './device/buffer-pool'
import type { Device } from './device/device'
import { type Scope, tensorMark } from './device/scope'
import { bytesPerElement, type DType, storedBytes, type TypedArray } from './dtype'
import { OutriderError, ShapeError } from './errors'
import { formats } from './formats/index'
import { checkShape, type NestedArray, nest, type Shape, sizeOf } from './shape'

/**
 * A row-major array on the device. Its contents are there when the operations before it are done; reading waits for them.
 * It holds memory until it is disposed: by `dispose()`, by `using`, or with the scope it was made in.
 */
export class Tensor {
  readonly [tensorMark] = true
  readonly device: Device
  readonly shape: Shape
  readonly dtype: DType
  readonly size: number
  /**
   * The tensor itself; or, of a matrix larger than one binding, the tensors that its rows lie in, one after another.
   *
   * @internal
   */
  readonly slabs: readonly Tensor[]
  readonly #storage: Storage | null
  #scope: Scope | null
  #disposed = false

  /**
   * Tensors are made by a device or by operations.
   *
   * @internal
   */
  constructor(device: Device, memory: Storage | readonly Tensor[], shape: Shape, dtype: DType, scope: Scope | null) {
    this.device = device
    const inSlabs = Array.isArray(memory)
    this.#storage = inSlabs ? null : (memory as Storage)
    this.slabs = inSlabs ? (memory as readonly Tensor[]) : [this]
    this.shape = shape
    this.dtype = dtype
    this.size = sizeOf(shape)
    this.#scope = scope
    scope?.tensors.add(this)
  }

  /** Bytes of the elements. */
  get bytes(): number {
    return storedBytes(this.size, this.dtype)
  }

  /**
   * The memory of the elements.
   *
   * @throws OutriderError DEVICE_LIMIT for a tensor that lies in slabs
   *
   * @internal
   */
  get storage(): Storage {
    if (this.#storage) return this.#storage
    throw new OutriderError(
      'DEVICE_LIMIT',
      `A tensor [${this.shape.join(', ')}] takes ${this.bytes} bytes; one binding of this device holds ${this.device.capabilities.maxBindingBytes}. Only linear, embedding and cast take it in parts.`,
      { remedy: 'Use a smaller batch, a smaller vocabulary or a device with larger bindings.' },
    )
  }

  get disposed(): boolean {
    return this.#disposed
  }

  /**
   * The elements in row-major order; f16 and bf16 are widened to f32.
   *
   * @throws OutriderError DTYPE_MISMATCH for weights in blocks: `cast` them first
   */
  async data(): Promise<Float32Array | Uint32Array | Int32Array> {
    const [buffer] = await this.device.read([this])
    return elements(buffer!, this.dtype, this.size)
  }

  /** The elements nested to the shape; a number for a scalar. */
  async toArray(): Promise<NestedArray> {
    return nest(await this.data(), this.shape)
  }

  /**
   * The only element.
   *
   * @throws ShapeError if there are several
   */
  async item(): Promise<number> {
    if (this.size !== 1) throw new ShapeError('item', [this.shape], 'the tensor must have one element')
    return (await this.data())[0]!
  }

  /** Overwrites the elements, in order with the operations before and after. Bytes are taken to be of the tensor's dtype. */
  write(data: TypedArray): void {
    this.device.upload(this, data)
  }

  /** The same for `count` of the first axis's elements, beginning at `first`. */
  writeRows(data: TypedArray, { first, count }: { first: number; count: number }): void {
    this.device.upload(this, data, { first, count })
  }

  /** The same elements under another shape of equal size; shares the memory, which lives until both are disposed. */
  reshape(shape: Shape): Tensor {
    this.assertUsable('reshape')
    checkShape('reshape', shape)
    if (sizeOf(shape) !== this.size) throw new ShapeError('reshape', [this.shape, shape], 'sizes differ')
    this.storage.references++
    const view = this.device.adopt(this.storage, shape, this.dtype)
    return differentiable(view, { name: 'reshape', inputs: [this], gradient: (dy) => [() => dy.reshape(this.shape)] })
  }

  /** Takes the tensor out of the scope it was made in: whoever keeps it, disposes of it. */
  keep(): this {
    this.moveTo(null)
    return this
  }

  /**
   * Hands the tensor to another scope, or to none.
   *
   * @internal
   */
  moveTo(scope: Scope | null): void {
    this.#scope?.tensors.delete(this)
    this.#scope = scope
    scope?.tensors.add(this)
  }

  /** Frees the memory. Twice is harmless. */
  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.moveTo(null)
    if (this.#storage) this.device.release(this.#storage)
    else for (const slab of this.slabs) slab.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** @internal */
  assertUsable(user: string): void {
    if (this.#disposed)
      throw new OutriderError(
        'DISPOSED',
        `${user}: a tensor [${this.shape.join(', ')}] is used after it was disposed.`,
        {
          remedy: 'Return it from its scope, or call keep() on it.',
        },
      )
  }
}

/** Reads several tensors of one device in one wait. */
export async function readAll(tensors: readonly Tensor[]): Promise<(Float32Array | Uint32Array | Int32Array)[]> {
  const device = tensors[0]?.device
  if (!device) return []
  const buffers = await device.read(tensors)
  return tensors.map(({ dtype, size }, i) => elements(buffers[i]!, dtype, size))
}

function elements(buffer: ArrayBuffer, dtype: DType, size: number): Float32Array | Uint32Array | Int32Array {
  if (dtype === 'f32') return new Float32Array(buffer, 0, size)
  if (dtype === 'u32') return new Uint32Array(buffer, 0, size)
  if (dtype === 'i32') return new Int32Array(buffer, 0, size)
  return formats[dtype].decode(new Uint8Array(buffer, 0, size * bytesPerElement('tensor.data', dtype)))
}
