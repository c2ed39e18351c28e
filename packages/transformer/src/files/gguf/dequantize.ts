import { halfToFloat } from '@outrider/tensor'
import { storedToFloats } from '../safetensors/dtype'
import { type GgufDtype, ggufDtypes } from './dtype'

/** The f32 values of stored bytes, whole blocks of them. The layouts of blocks are llama.cpp's (ggml-quants). */
export function dequantize(bytes: Uint8Array, dtype: GgufDtype): Float32Array {
  if (dtype === 'F32' || dtype === 'F16' || dtype === 'BF16') return storedToFloats(bytes, dtype)
  const { elements, bytes: blockBytes } = ggufDtypes[dtype]
  const blocks = bytes.length / blockBytes
  const values = new Float32Array(blocks * elements)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const block = blockReaders[dtype]
  for (let i = 0; i < blocks; i++) block(view, i * blockBytes, values.subarray(i * elements, (i + 1) * elements))
  return values
}

type BlockReader = (view: DataView, at: number, values: Float32Array) => void

const half = (view: DataView, at: number) => halfToFloat(view.getUint16(at, true))

const blockReaders: Record<Exclude<GgufDtype, 'F32' | 'F16' | 'BF16'>, BlockReader> = {
  /** d, then 32 i8. */
  Q8_0(view, at, values) {
    const d = half(view, at)
    for (let i = 0; i < 32; i++) values[i] = d * view.getInt8(at + 2 + i)
  },

  /** d, then 16 bytes: the low halves are elements 0 to 15, the high ones 16 to 31, each less 8. */
  Q4_0(view, at, values) {
    const d = half(view, at)
    for (let i = 0; i < 16; i++) {
      const pair = view.getUint8(at + 2 + i)
      values[i] = d * ((pair & 15) - 8)
      values[i + 16] = d * ((pair >> 4) - 8)
    }
  },

  /** d and dmin; 8 scales and 8 minima of 6 bits in 12 bytes; 128 bytes of halves, 32 low ones then the 32 high ones. */
  Q4_K(view, at, values) {
    const [d, dmin] = [half(view, at), half(view, at + 2)]
    const packed = (i: number) => view.getUint8(at + 4 + i)
    for (let part = 0; part < 8; part++) {
      const [scale, minimum] =
        part < 4
          ? [packed(part) & 63, packed(part + 4) & 63]
          : [
              (packed(part + 4) & 15) | ((packed(part - 4) >> 6) << 4),
              (packed(part + 4) >> 4) | ((packed(part) >> 6) << 4),
            ]
      const quants = at + 16 + (part >> 1) * 32
      for (let i = 0; i < 32; i++) {
        const byte = view.getUint8(quants + i)
        values[part * 32 + i] = d * scale * (part % 2 === 0 ? byte & 15 : byte >> 4) - dmin * minimum
      }
    }
  },

  /** 128 bytes of low 4 bits, 64 of high 2 bits, 16 i8 scales, d; elements in halves of 128, each four runs of 32. */
  Q6_K(view, at, values) {
    const d = half(view, at + 208)
    for (let part = 0; part < 2; part++)
      for (let run = 0; run < 4; run++)
        for (let i = 0; i < 32; i++) {
          const low = view.getUint8(at + part * 64 + (run % 2) * 32 + i)
          const high = view.getUint8(at + 128 + part * 32 + i)
          const quant = ((run < 2 ? low & 15 : low >> 4) | (((high >> (2 * run)) & 3) << 4)) - 32
          const scale = view.getInt8(at + 192 + part * 8 + run * 2 + (i >> 4))
          values[part * 128 + run * 32 + i] = d * scale * quant
        }
  },
}
