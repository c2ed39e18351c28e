import { type KernelPart, pieceType } from '../kernel/index'
import type { Tensor } from '../tensor'
import { type FormatName, formats, wordBytes } from './index'

/**
 * Elements of weights in a format: for a binding x, which it brings with it, `load_x(i: u32) -> Piece`, the eight neighbouring
 * elements number i of the tensor. What is bound: `blockOperands`.
 */
export function blocks(name: string, format: FormatName): KernelPart {
  const { words, rest, restType, wgsl } = formats[format].device
  const wordType = { 0.5: 'u32', 1: 'u32', 2: 'vec2u', 4: 'vec4u' }[words]
  const word = words === 0.5 ? `${name}[piece / 2u] >> (16u * (piece & 1u))` : `${name}[piece]`
  return {
    name: `blocks of ${name}`,
    provides: [`load_${name}`],
    uses: [pieceType],
    bindings: [
      `var<storage, read> ${name}: array<${wordType}>`,
      ...(rest > 0 ? [`var<storage, read> ${name}Rest: array<${restType}>`] : []),
    ],
    fields: rest > 0 ? [`${name}First: u32`] : [],
    text: `${rest > 0 && restType === 'u32' ? halfOf(name) : ''}fn load_${name}(piece: u32) -> Piece {
  let word = ${word};
  ${rest > 0 ? `let first = params.${name}First;\n  ` : ''}${wgsl.replaceAll('NAME', name)}
}`,
  }
}

/**
 * Spans of 32 elements of such weights, of a format that says what they share: for a binding x, vectors of four words, and
 * `line_x(span: u32) -> vec2f`, what its quants are multiplied by and what is then added to each.
 */
export function spanElements(name: string, format: FormatName): KernelPart {
  const { span } = formats[format].device
  return {
    name: `spans of ${name}`,
    provides: [`line_${name}`],
    bindings: [`var<storage, read> ${name}: array<vec4u>`, `var<storage, read> ${name}Rest: array<u32>`],
    fields: [`${name}First: u32`],
    text: `${halfOf(name)}fn line_${name}(span: u32) -> vec2f {
  let first = params.${name}First;
  ${span!.line.replaceAll('NAME', name)}
}`,
  }
}

const halfOf = (name: string) => `fn half_${name}(i: u32) -> u32 {
  return ${name}Rest[params.${name}First + i / 2u] >> (16u * (i & 1u));
}
`

/** The bindings and parameters that such elements take. */
export function blockOperands(name: string, weights: Tensor, format: FormatName) {
  const { device } = formats[format]
  if (device.rest === 0) return { bindings: { [name]: weights }, params: {} }
  return {
    bindings: { [name]: weights, [`${name}Rest`]: weights },
    params: { [`${name}First`]: wordBytes(device, weights.size) / (device.restType === 'vec4u' ? 16 : 4) },
  }
}
