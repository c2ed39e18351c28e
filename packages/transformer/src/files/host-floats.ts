import type { FormatName } from '@outrider/tensor/internal'

/** A type of floating-point numbers that files have and devices have not: what its elements mean, and what holds them there. */
interface HostFloat {
  /** Every value but those of F64, which are rounded, is one of this type. */
  device: 'f32' | Extract<FormatName, 'f16'>
  decode: (bytes: Uint8Array) => Float32Array
}

/**
 * An 8-bit float: sign, exponent, fraction. The OCP's E5M2 ends as IEEE's types do, its E4M3 has no infinity and one NaN of
 * each sign (OCP OFP8 1.0); FNUZ (arXiv 2206.02915) has one NaN, where −0 would be, and a larger bias.
 */
function float8(exponentBits: number, end: 'infinities' | 'nan' | 'fnuz'): HostFloat {
  const fractionBits = 7 - exponentBits
  const bias = 2 ** (exponentBits - 1) - (end === 'fnuz' ? 0 : 1)
  const meaningOf = (code: number): number => {
    const [exponent, fraction] = [(code & 0x7f) >>> fractionBits, code & (2 ** fractionBits - 1)]
    const sign = code & 0x80 ? -1 : 1
    if (end === 'fnuz' && code === 0x80) return Number.NaN
    if (end === 'nan' && (code & 0x7f) === 0x7f) return Number.NaN
    if (end === 'infinities' && exponent === 2 ** exponentBits - 1)
      return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
    const significand = fraction / 2 ** fractionBits
    return sign * (exponent === 0 ? significand * 2 ** (1 - bias) : (1 + significand) * 2 ** (exponent - bias))
  }
  let table: Float32Array | undefined
  return {
    device: 'f16',
    decode(bytes) {
      table ??= Float32Array.from({ length: 256 }, (_, code) => meaningOf(code))
      const values = new Float32Array(bytes.length)
      for (let i = 0; i < bytes.length; i++) values[i] = table[bytes[i]!]!
      return values
    },
  }
}

/** By the names that safetensors gives them. */
export const hostFloats: Readonly<Record<string, HostFloat>> = {
  F64: {
    device: 'f32',
    decode: (bytes) => {
      const { buffer, byteOffset, length } = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice()
      return new Float32Array(new Float64Array(buffer, byteOffset, length / 8))
    },
  },
  F8_E4M3: float8(4, 'nan'),
  F8_E5M2: float8(5, 'infinities'),
  F8_E4M3FNUZ: float8(4, 'fnuz'),
  F8_E5M2FNUZ: float8(5, 'fnuz'),
}
