import { type BitPlane, highNibbles, lowNibbles, pieceOf } from './bit-planes'
import { blockFormat, type Format } from './format'

/**
 * A format of 32 elements: a head of its own, then 16 bytes of halves, elements 0 to 15 in the low ones.
 *
 * @param options.head     bytes of the head
 * @param options.decode   of the head at byte `at`: the value of an element by its half and its number
 * @param options.encode   writes the head at byte `at`, and gives the quant of an element, whose low bits are its half
 * @param options.halves   16-bit halves that the device has of the head; by default its bytes
 * @param options.prepare  WGSL statements before the value
 * @param options.planes   more bits of the quants
 * @param options.value    WGSL of four elements by their quants
 * @param options.line     WGSL of slope and least by `span`, of a format whose quants are the halves alone
 */
export function nibbleBlocks({
  head,
  decode,
  encode,
  halves = (view, at) => Array.from({ length: head / 2 }, (_, i) => view.getUint16(at + 2 * i, true)),
  prepare,
  planes = [],
  value,
  line,
  ...known
}: Pick<Format, 'gguf' | 'scales' | 'limit'> & {
  head: number
  decode: (view: DataView, at: number) => (half: number, i: number) => number
  encode?: (values: Float32Array, view: DataView, at: number) => (i: number) => number
  halves?: (view: DataView, at: number) => readonly number[]
  prepare: string
  planes?: readonly BitPlane[]
  value: (quants: string) => string
  line?: string
}): Format {
  return blockFormat({
    ...known,
    elements: 32,
    bytes: head + 16,
    decode(view, at, values) {
      const element = decode(view, at)
      for (let i = 0; i < 16; i++) {
        const pair = view.getUint8(at + head + i)
        values[i] = element(pair & 15, i)
        values[i + 16] = element(pair >> 4, i + 16)
      }
    },
    ...(encode && {
      encode(values: Float32Array, view: DataView, at: number) {
        const quant = encode(values, view, at)
        for (let i = 0; i < 16; i++) view.setUint8(at + head + i, (quant(i) & 15) | ((quant(i + 16) & 15) << 4))
      },
    }),
    device: {
      words: 1,
      rest: Math.ceil(head / 2),
      restType: 'u32',
      arrange(view, at, words, word, rest, half) {
        rest.set(halves(view, at), half)
        for (let i = 0; i < 2; i++) {
          words[word + i] = lowNibbles(view, at + head + 8 * i)
          words[word + 2 + i] = highNibbles(view, at + head + 8 * i)
        }
      },
      wgsl: `${prepare}
    ${pieceOf([{ of: 'word', bits: 4 }, ...planes], value)}`,
      ...(line && { span: { line, least: true, quant: nibble } }),
    },
  })
}

const nibble = ([word]: readonly string[], i: number) => `f32((${word} >> ${4 * i}u) & 15u)`
