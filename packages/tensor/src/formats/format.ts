/**
 * How weights are stored: plain half-precision numbers, or blocks of elements that share a scale. Kernels read them as they
 * are and compute in f32. A format is a file of this folder and a line in index.ts.
 */
export interface Format {
  /** Its number among ggml's types, which GGUF has. */
  readonly gguf: number
  /** Elements of a block, along a row. */
  readonly elements: number
  /** Bytes of a block in files (GGUF, safetensors), little-endian. */
  readonly bytes: number
  /**
   * Where a block has the numbers that elements are multiplied by, or that are added: f16, or an exponent of a byte. None of plain
   * numbers.
   */
  readonly scales?: { readonly type: 'f16' | 'e8m0'; readonly places: readonly number[] }
  /** The f32 values of whole blocks. */
  decode(bytes: Uint8Array): Float32Array
  /** The blocks nearest to f32 values. Formats without it can be read and not made. */
  encode?(values: Float32Array): Uint8Array
  /** The first magnitude that is infinite when it is encoded. */
  readonly limit?: number
  readonly device: DeviceFormat
}

/**
 * How blocks lie on the device: in two regions, so that lanes load whole words. First the words of all blocks, then the rest of
 * all blocks: scales, and bits that do not make a word for every eight elements. No more bytes than in the file, but for
 * padding.
 */
export interface DeviceFormat {
  /** u32 words that eight neighbouring elements have in the first region; where it is half a word, the first have the low one. */
  readonly words: 0.5 | 1 | 2 | 4
  /** 16-bit halves of a block in the second region. */
  readonly rest: number
  /** The type that the second region is read as. */
  readonly restType: 'u32' | 'vec4u'
  /** Takes the block at byte `at` apart: its words to `word`, its halves to `half`. Without it the file's bytes are the words. */
  arrange?(view: DataView, at: number, words: Uint32Array, word: number, rest: Uint16Array, half: number): void
  /**
   * WGSL statements that return the eight elements number `piece` of the tensor as a `Piece`. `word` is their words (u32, vec2u
   * or vec4u); `NAMERest` is the second region, which begins at index `first`, and read as u32 has `half_NAME(i)`: its half
   * number i, with anything above it.
   */
  readonly wgsl: string
  /** Of a format whose 32 neighbouring elements share all that is not their words, read as u32: how they are read at once. */
  readonly span?: Span
}

/** 32 neighbouring elements, as quants on a line: x = slope · q + least. */
export interface Span {
  /** WGSL statements that return slope and least as vec2f, of elements number `span`; `first`, NAMERest and `half_NAME(i)` as above. */
  readonly line: string
  /** Whether there is a least that is not 0. */
  readonly least: boolean
  /** WGSL of the quant, f32, of element i of eight by their words. */
  readonly quant: (words: readonly string[], i: number) => string
}

/** Bytes of the first region for so many elements: where the second begins. */
export const wordBytes = ({ words }: DeviceFormat, size: number): number => (size / 8) * 4 * words

/** Bytes of the second. */
export const restBytes = ({ elements, device }: Pick<Format, 'elements' | 'device'>, size: number): number =>
  (size / elements) * 2 * device.rest

/** A format of blocks, from what is done with one of them. */
export function blockFormat({
  decode,
  encode,
  ...known
}: Omit<Format, 'decode' | 'encode'> & {
  /** Writes the values of the block at byte `at`. */
  decode: (view: DataView, at: number, values: Float32Array) => void
  encode?: (values: Float32Array, view: DataView, at: number) => void
}): Format {
  const { elements, bytes } = known
  return {
    ...known,
    decode(stored) {
      const blocks = stored.length / bytes
      const values = new Float32Array(blocks * elements)
      const view = new DataView(stored.buffer, stored.byteOffset, stored.length)
      for (let i = 0; i < blocks; i++) decode(view, i * bytes, values.subarray(i * elements, (i + 1) * elements))
      return values
    },
    ...(encode && {
      encode(values: Float32Array) {
        const blocks = values.length / elements
        const view = new DataView(new ArrayBuffer(blocks * bytes))
        for (let i = 0; i < blocks; i++) encode(values.subarray(i * elements, (i + 1) * elements), view, i * bytes)
        return new Uint8Array(view.buffer)
      },
    }),
  }
}

/** The u16 elements of bytes that may begin anywhere. */
export function halvesOf(bytes: Uint8Array): Uint16Array {
  const { buffer, byteOffset, length } = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice()
  return new Uint16Array(buffer, byteOffset, length / 2)
}
