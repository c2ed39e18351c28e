import type { FormatName } from '../../formats/index'
import { pieceReader, pieceType } from '../../formats/piece-reader'
import { each } from '../each'
import { type GateActivation, gatedUnits } from '../pointwise/gated'

/** What a kernel of a linear layer computes, however it adds up. */
export interface LinearForm {
  /** Rows of c that a workgroup computes. */
  readonly rows: number
  /** Columns of c that a workgroup computes, or a lane of `broadcast`. */
  readonly columns: number
  /** Elements of k that are taken at once: of weights in a format 8, of f32 4 where k is a multiple of it, else 1. */
  readonly width: 1 | 4 | 8
  /** The formats of b and up, where the width is 8. */
  readonly format?: { readonly b: FormatName; readonly up?: FormatName | undefined } | undefined
  /** Which of a and c are f16, if any; they are f32 while they are computed with. */
  readonly half?: { readonly a: boolean; readonly c: boolean } | undefined
  /** Rows of a are RMS-normalised on the way: a · gain / √(mean(a²) + ε). */
  readonly normed: boolean
  /** `bias` is added to every row of a · bᵀ. */
  readonly biased: boolean
  /** c is a · bᵀ; or `residual` is added to that; or it is gated: activation(a · bᵀ) · (a · upᵀ), by the activation's name. */
  readonly epilogue: 'none' | 'residual' | GateActivation
}

/**
 * WGSL that kernels of c = a · bᵀ have in common:
 *
 *   a: [m, k]    b, up: [n, k], rows `first` … of the whole weights    c, residual: [m, width]    gain: [k]    bias: [width]
 *
 * `params.k` counts pieces of `form.width` elements, which are a number, a vector, or the vectors `low` and `high`.
 */
export function linearFrame({ rows, columns, width, format, half, normed, biased, epilogue }: LinearForm) {
  const gate = epilogue === 'none' || epilogue === 'residual' ? undefined : gatedUnits[epilogue]
  const weights = gate ? (['b', 'up'] as const) : (['b'] as const)
  const readers = weights.flatMap((weight) => (format ? [pieceReader(weight, format[weight]!)] : []))
  const type = width === 1 ? 'f32' : 'vec4f'
  const read = (source: string, at: string) => (half?.a && source === 'a' ? `${type}(a[${at}])` : `${source}[${at}]`)
  const inputs = [
    `var<storage, read> a: array<${half?.a ? (width === 1 ? 'f16' : 'vec4<f16>') : type}>`,
    ...(format
      ? readers.flatMap(({ declarations }) => declarations)
      : weights.map((name) => `var<storage, read> ${name}: array<${type}>`)),
    ...(normed ? [`var<storage, read> gain: array<${type}>`] : []),
    ...(biased ? ['var<storage, read> bias: array<f32>'] : []),
    ...(epilogue === 'residual' ? ['var<storage, read> residual: array<f32>'] : []),
    `var<storage, read_write> c: array<${half?.c ? 'f16' : 'f32'}>`,
  ]
  const fields = [
    ...['m', 'n', 'k', 'first', 'width', 'tilesAcross', 'tiles'].map((name) => `${name}: u32`),
    ...(normed ? ['epsilon: f32'] : []),
    ...readers.flatMap((reader) => reader.fields),
  ]
  return {
    weights,
    declarations: `${half ? 'enable f16;\n' : ''}struct Params { ${fields.join(', ')} }
${inputs.map((input, i) => `@group(0) @binding(${i}) ${input};`).join('\n')}
@group(1) @binding(0) var<uniform> params: Params;

${gate?.activation ?? ''}
${format ? `${pieceType}\n${readers.map(({ source }) => source).join('\n')}` : ''}`,

    /** A line for each weight, row and column of the tile. */
    tile: (line: (weight: string, i: number, j: number) => string): string =>
      weights.map((weight) => each(rows, (i) => each(columns, (j) => line(weight, i, j)))).join('\n  '),

    /** Declares a piece of a or of the gain. */
    load: (name: string, source: string, at: string): string =>
      width === 8
        ? `let ${name}low = ${read(source, `2u * (${at})`)};\n  let ${name}high = ${read(source, `2u * (${at}) + 1u`)};`
        : `let ${name} = ${read(source, at)};`,

    loadWeight: (weight: string, j: number): string =>
      format ? `let ${weight}${j} = ${weight}Piece(column${j} + k);` : `let ${weight}${j} = ${weight}[column${j} + k];`,

    /** Declares a piece as a function of each of its vectors. */
    map: (name: string, value: (suffix: string) => string): string =>
      width === 8
        ? `let ${name}low = ${value('low')};\n  let ${name}high = ${value('high')};`
        : `let ${name} = ${value('')};`,

    /** The sum of the products of two pieces; those of a weight in a format are parts of a struct. */
    product: (x: string, y: string, part = ''): string => {
      if (width === 1) return `${x} * ${y}`
      if (width === 4) return `dot(${x}, ${y})`
      return `dot(${x}low, ${y}${part}low) + dot(${x}high, ${y}${part}high)`
    },

    /** Writes a row of the tile; `offset` is where its column j lies after the first. */
    store: (i: number, offset: (j: number) => number): string => {
      const value = (j: number) => {
        const sum = biased ? `(b_${i}_${j} + bias[column + ${offset(j)}u])` : `b_${i}_${j}`
        const result = gate
          ? `activation(${sum}) * up_${i}_${j}`
          : epilogue === 'residual'
            ? `residual[at + ${offset(j)}u] + ${sum}`
            : sum
        return half?.c ? `f16(clamp(${result}, -65504.0, 65504.0))` : result
      }
      return `if (row + ${i}u < params.m) {
    let at = (row + ${i}u) * params.width + column;
    ${each(columns, (j) => `if (edge + ${offset(j)}u < params.n) { c[at + ${offset(j)}u] = ${value(j)}; }`)}
  }`
    },
  }
}
