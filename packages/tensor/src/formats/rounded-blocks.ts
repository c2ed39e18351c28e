import type { Format } from './format'
import { floatToHalf, halfLimit, halfToFloat } from './half'
import { nibbleBlocks } from './nibble-blocks'

/**
 * llama.cpp's first formats. 32 elements: an f16 step d; an f16 least value m, or none; the fifth bits of all in 4 bytes, or
 * none; then 16 bytes of halves. x = d · q + m, or where there is no m x = d · (q − h), h half of the steps.
 */
export function roundedBlocks({ gguf, bits, least }: { gguf: number; bits: 4 | 5; least: boolean }): Format {
  const fifths = least ? 4 : 2
  const steps = 2 ** bits
  const half = steps / 2
  return nibbleBlocks({
    gguf,
    scales: { type: 'f16', places: least ? [0, 2] : [0] },
    // The f16 that overflows first: m, or d of the largest magnitude.
    limit: least ? halfLimit : halfLimit * half,
    head: fifths + (bits === 5 ? 4 : 0),
    decode(view, at) {
      const d = halfToFloat(view.getUint16(at, true))
      const m = least ? halfToFloat(view.getUint16(at + 2, true)) : 0
      const fifth = bits === 5 ? view.getUint32(at + fifths, true) : 0
      return (low, i) => {
        const quant = low | (((fifth >>> i) & 1) << 4)
        return least ? d * quant + m : d * (quant - half)
      }
    },
    encode(values, view, at) {
      const { d, quant } = least ? fromLeast(values, steps, view, at + 2) : fromExtreme(values, steps)
      view.setUint16(at, floatToHalf(d), true)
      if (bits === 5) {
        let fifth = 0
        for (let i = 0; i < 32; i++) fifth |= (quant(i) >> 4) << i
        view.setUint32(at + fifths, fifth >>> 0, true)
      }
      return quant
    },
    ...(bits === 4
      ? {
          prepare: least ? line('NAMERest[first + piece / 4u]') : step('piece / 4u'),
          line: least
            ? 'return unpack2x16float(NAMERest[first + span]);'
            : `${step('span')}\n  return vec2f(d, -${half}.0 * d);`,
        }
      : {
          prepare: `${least ? line('NAMERest[first + 2u * (piece / 4u)]') : step('3u * (piece / 4u)')}
    let fifths = half_NAME(${least ? '4u * (piece / 4u) + 2u' : '3u * (piece / 4u) + 1u'} + ((piece >> 1u) & 1u)) >> (8u * (piece & 1u));`,
          planes: [{ of: 'fifths', bits: 1 }],
        }),
    value: (quants) => (least ? `vec4f(${quants}) * line.x + line.y` : `(vec4f(${quants}) - ${half}.0) * d`),
  })
}

const line = (halves: string) => `let line = unpack2x16float(${halves});`
const step = (half: string) => `let d = unpack2x16float(half_NAME(${half})).x;`

/** m is the least, d = (the largest − m) / (steps − 1), q = (x − m) / d rounded. */
function fromLeast(values: Float32Array, steps: number, view: DataView, at: number) {
  let [least, largest] = [values[0]!, values[0]!]
  for (let i = 1; i < 32; i++) {
    least = Math.min(least, values[i]!)
    largest = Math.max(largest, values[i]!)
  }
  view.setUint16(at, floatToHalf(least), true)
  const d = (largest - least) / (steps - 1)
  return { d, quant: (i: number) => (d === 0 ? 0 : Math.min(steps - 1, Math.floor((values[i]! - least) / d + 0.5))) }
}

/** The element of the largest magnitude becomes −h: d = that / −h, q = x / d + h rounded, at most steps − 1. */
function fromExtreme(values: Float32Array, steps: number) {
  const half = steps / 2
  let extreme = 0
  for (let i = 0; i < 32; i++) if (Math.abs(values[i]!) > Math.abs(extreme)) extreme = values[i]!
  const d = extreme / -half
  return { d, quant: (i: number) => (d === 0 ? half : Math.min(steps - 1, Math.floor(values[i]! / d + half + 0.5))) }
}
