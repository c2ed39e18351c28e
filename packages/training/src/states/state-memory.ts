import type { Device, Shape, Tensor } from '@outrider/tensor'

/** So much is taken at once: thousands of small buffers are dear. */
const pageBytes = 2 ** 22

/** Where the words of a row are. */
interface Place {
  page: Tensor
  first: number
  /** Of the tensor that was kept. */
  shape: Shape
  size: number
}

/**
 * Tensors of words by name in the device's memory, up to so many bytes. It keeps what comes first: of rows that are gone through
 * again and again, in whatever order, that is as much as can be found again, where making room for the newest would find none.
 */
export class StateMemory {
  readonly #maxBytes: number
  readonly #places = new Map<string, Place>()
  #page: { words: Tensor; used: number } | undefined
  readonly #pages: Tensor[] = []
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes that are taken. */
  get bytes(): number {
    return this.#bytes
  }

  has(name: string): boolean {
    return this.#places.has(name)
  }

  /** Keeps a copy; says whether there was room. The elements of the tensor have 32 bits. */
  add(name: string, tensor: Tensor): boolean {
    if (this.#places.has(name)) return true
    const page = this.#pageFor(tensor.device, tensor.size)
    if (!page) return false
    tensor.device.copy(tensor, 0, page.words, page.used, tensor.size)
    this.#places.set(name, { page: page.words, first: page.used, shape: tensor.shape, size: tensor.size })
    page.used += tensor.size
    return true
  }

  /** The shape of what is kept. */
  shapeOf(name: string): Shape | undefined {
    return this.#places.get(name)?.shape
  }

  /** Copies what is kept to words of a tensor. */
  copyTo(name: string, to: Tensor, offset: number): void {
    const { page, first, size } = this.#places.get(name)!
    to.device.copy(page, first, to, offset, size)
  }

  #pageFor(device: Device, words: number) {
    if (this.#page && this.#page.used + words <= this.#page.words.size) return this.#page
    const bytes = Math.max(4 * words, Math.min(pageBytes, this.#maxBytes - this.#bytes))
    if (this.#bytes + bytes > this.#maxBytes) return undefined
    const page = device.empty([Math.floor(bytes / 4)], 'u32').keep()
    this.#pages.push(page)
    this.#bytes += page.bytes
    this.#page = { words: page, used: 0 }
    return this.#page
  }

  dispose(): void {
    for (const page of this.#pages) page.dispose()
    this.#pages.length = 0
    this.#places.clear()
    this.#page = undefined
    this.#bytes = 0
  }
}
