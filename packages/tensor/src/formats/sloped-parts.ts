import { type BitPlane, highNibbles, lowNibbles, pieceOf, twoBytes } from './bit-planes'
import { blockFormat, type Format } from './format'
import { halfToFloat } from './half'

/**
 * 256 elements in 8 parts of 32: f16 d and dmin; a scale and a minimum of six bits for each part in 12 bytes; of five bits the
 * fifth in 32 bytes, those of part p at place p; 128 bytes of halves, 32 low ones and then the 32 high ones of the same bytes;
 * x = d · scale · q − dmin · minimum.
 */
export function slopedParts({ gguf, bits }: { gguf: number; bits: 4 | 5 }): Format {
  const fifths = bits === 5
  const halves = fifths ? 48 : 16
  const heads = fifths ? 3 : 1
  return blockFormat({
    gguf,
    elements: 256,
    bytes: halves + 128,
    scales: { type: 'f16', places: [0, 2] },
    decode(view, at, values) {
      const [d, dmin] = [halfToFloat(view.getUint16(at, true)), halfToFloat(view.getUint16(at + 2, true))]
      for (let part = 0; part < 8; part++) {
        const [scale, minimum] = scaleAndMinimum(view, at + 4, part)
        for (let i = 0; i < 32; i++) {
          const byte = view.getUint8(at + halves + (part >> 1) * 32 + i)
          const fifth = fifths ? (view.getUint8(at + 16 + i) >> part) & 1 : 0
          const quant = (part % 2 === 0 ? byte & 15 : byte >> 4) | (fifth << 4)
          values[part * 32 + i] = d * scale * quant - dmin * minimum
        }
      }
    },
    device: {
      words: 1,
      rest: 8 * heads,
      restType: 'vec4u',
      arrange(view, at, words, word, rest, half) {
        for (let i = 0; i < 8; i++) rest[half + i] = view.getUint16(at + 2 * i, true)
        for (let i = 0; i < 16; i++) {
          const place = word + (i >> 2) * 8 + (i & 3)
          words[place] = lowNibbles(view, at + halves + 8 * i)
          words[place + 4] = highNibbles(view, at + halves + 8 * i)
          if (fifths) rest[half + 8 + i] = twoBytes(view, at + 16, i)
        }
      },
      wgsl: `let at = first + ${heads}u * (piece / 32u);
    let head = NAMERest[at];
    let d = unpack2x16float(head.x);
    let part = (piece / 4u) & 7u;
    let place = 8u * (part & 3u);
    let scales = head.yzw >> vec3u(place);
    let upper = part >= 4u;
    let scale = select(scales.x & 63u, (scales.z & 15u) | (((scales.x >> 6u) & 3u) << 4u), upper);
    let minimum = select(scales.y & 63u, ((scales.z >> 4u) & 15u) | (((scales.y >> 6u) & 3u) << 4u), upper);
    let slope = d.x * f32(scale);
    let least = d.y * f32(minimum);
    ${fifths ? fifthBits : ''}${pieceOf([{ of: 'word', bits: 4 }, ...(fifths ? [fifthPlane] : [])], (quants) => `vec4f(${quants}) * slope - least`)}`,
    },
  })
}

const fifthPlane: BitPlane = { of: 'fifths', bits: 1 }

/** Of part p one word, a byte a piece. */
const fifthBits = `let fifths = NAMERest[at + 1u + part / 4u][part & 3u] >> (8u * (piece & 3u));
    `

/** The scale and the minimum of a part. */
function scaleAndMinimum(view: DataView, at: number, part: number): [number, number] {
  const packed = (i: number) => view.getUint8(at + i)
  return part < 4
    ? [packed(part) & 63, packed(part + 4) & 63]
    : [(packed(part + 4) & 15) | ((packed(part - 4) >> 6) << 4), (packed(part + 4) >> 4) | ((packed(part) >> 6) << 4)]
}
