import type { Tensor } from '../tensor'
import { type FormatName, formats, wordBytes } from './index'

/** How a kernel reads weights of a format: what it declares, calls and is given. */
export interface PieceReader {
  /** `var<storage, read>` declarations, without their binding numbers. */
  readonly declarations: readonly string[]
  /** Fields of `struct Params`. */
  readonly fields: readonly string[]
  /** `fn NAMEPiece(piece: u32) -> Piece`: eight neighbouring elements; `piece` counts eights over the tensor. */
  readonly source: string
}

export const pieceType = 'struct Piece { low: vec4f, high: vec4f }'

/** The reader of the weights that a kernel calls `name`. */
export function pieceReader(name: string, format: FormatName): PieceReader {
  const { words, rest, restType, wgsl } = formats[format].device
  const wordType = { 1: 'u32', 2: 'vec2u', 4: 'vec4u' }[words]
  return {
    declarations: [
      `var<storage, read> ${name}: array<${wordType}>`,
      ...(rest > 0 ? [`var<storage, read> ${name}Rest: array<${restType}>`] : []),
    ],
    fields: rest > 0 ? [`${name}First: u32`] : [],
    source: `fn ${name}Piece(piece: u32) -> Piece {
  let word = ${name}[piece];
  ${rest > 0 ? `let first = params.${name}First;\n  ` : ''}${wgsl.replaceAll('NAME', name)}
}`,
  }
}

/** The bindings and parameters that such a reader takes. */
export function pieceOperands(name: string, weights: Tensor, format: FormatName) {
  const { device } = formats[format]
  if (device.rest === 0) return { bindings: { [name]: weights }, params: {} }
  return {
    bindings: { [name]: weights, [`${name}Rest`]: weights },
    params: { [`${name}First`]: wordBytes(device, weights.size) / (device.restType === 'vec4u' ? 16 : 4) },
  }
}
