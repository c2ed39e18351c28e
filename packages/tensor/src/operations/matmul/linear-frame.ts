import { blocks } from '../../formats/blocks'
import type { FormatName } from '../../formats/index'
import { elements, type KernelPart, type VectorSize } from '../../kernel/index'
import { each } from '../each'
import { type GateActivation, gatedUnits } from '../pointwise/gated'

/** What a kernel of a linear layer computes, however it adds up. */
export interface LinearForm {
  /** Rows of c that a workgroup computes. */
  readonly rows: number
  /** Columns of c that a workgroup computes, or a lane of `subgroups`. */
  readonly columns: number
  /** Elements of k that are taken at once: of weights in a format 8, of f32 4 where k is a multiple of it, else 1. */
  readonly vectorSize: 1 | 4 | 8
  /** The formats of b and up, where the size is 8. */
  readonly format?: { readonly b: FormatName; readonly up?: FormatName | undefined } | undefined
  /** Rows of a are RMS-normalised on the way: a · (offset + gain) / √(mean(a²) + ε). */
  readonly normed: boolean
  readonly offset: number
  /** `bias` is added to every row of a · bᵀ. */
  readonly biased: boolean
  /** c is a · bᵀ; or `residual` is added to that; or it is gated: activation(a · bᵀ) · (a · upᵀ), by the activation's name. */
  readonly epilogue: 'none' | 'residual' | GateActivation
}

/**
 * WGSL that kernels of c = a · bᵀ have in common:
 *
 *   a: [m, k]    b, up: [n, k], rows `first` … of the whole weights    c, residual: [m, columns]    gain: [k]    bias: [columns]
 *
 * `params.k` counts pieces of `form.vectorSize` elements, which are a number, a vector, or a `Piece` of two vectors.
 */
export function linearFrame(
  { rows, columns, vectorSize, format, normed, offset, biased, epilogue }: LinearForm,
  {
    xVectorSize = vectorSize,
    weightPart = blocks,
    others = [],
  }: {
    /** Elements of a and of the gain that are taken at once, where it is not the weights'. */
    xVectorSize?: VectorSize
    /** What reads weights in a format. */
    weightPart?: (name: string, format: FormatName) => KernelPart
    /** Bindings that are read besides. */
    others?: readonly string[]
  } = {},
) {
  const gate = epilogue === 'none' || epilogue === 'residual' ? undefined : gatedUnits[epilogue]
  const weights = gate ? (['b', 'up'] as const) : (['b'] as const)
  const operands = format ? [] : weights
  const inputs = [
    'var<storage, read> a: array<element_a>',
    ...operands.map((name) => `var<storage, read> ${name}: array<element_${name}>`),
    ...(normed ? ['var<storage, read> gain: array<element_gain>'] : []),
    ...(biased ? ['var<storage, read> bias: array<f32>'] : []),
    ...(epilogue === 'residual' ? ['var<storage, read> residual: array<f32>'] : []),
    ...others,
    'var<storage, read_write> c: array<element_c>',
  ]
  const fields = [
    ...['m', 'n', 'k', 'first', 'columns', 'tilesAcross', 'tiles'].map((name) => `${name}: u32`),
    ...(normed ? ['epsilon: f32'] : []),
  ]
  const sizes = {
    a: xVectorSize,
    ...Object.fromEntries(operands.map((name) => [name, vectorSize])),
    ...(normed && { gain: xVectorSize }),
  }
  const uses: KernelPart[] = [
    elements({ ...sizes, c: 1 }),
    ...weights.flatMap((name) => (format ? [weightPart(name, format[name]!)] : [])),
  ]
  const map = (name: string, value: (part: string) => string): string =>
    `let ${name} = ${vectorSize === 8 ? `Piece(${value('.low')}, ${value('.high')})` : value('')};`
  const tile = (line: (weight: string, i: number, j: number) => string): string =>
    weights.map((weight) => each(rows, (i) => each(columns, (j) => line(weight, i, j)))).join('\n  ')
  return {
    weights,
    uses,
    declarations: `struct Params { ${fields.join(', ')} }
${inputs.map((input, i) => `@group(0) @binding(${i}) ${input};`).join('\n')}
@group(1) @binding(0) var<uniform> params: Params;

${gate?.activation ?? ''}`,

    /**
     * Of a workgroup that computes the tile as a whole: declares where the tile is, where its rows and columns begin in memory, the last
     * again past the edge, and sums of nothing.
     */
    place: `let number = group.x + group.y * groups.x;
  if (number >= params.tiles) { return; }
  let row = (number / params.tilesAcross) * ${rows}u;
  let edge = (number % params.tilesAcross) * ${columns}u;
  let column = params.first + edge;
  ${each(rows, (i) => `let row${i} = min(row + ${i}u, params.m - 1u) * params.k;`)}
  ${each(columns, (j) => `let column${j} = min(edge + ${j}u, params.n - 1u) * params.k;`)}
  ${tile((weight, i, j) => `var ${weight}_${i}_${j} = 0.0;`)}
  ${normed ? each(rows, (i) => `var squares${i} = 0.0;`) : ''}`,

    /** A line for each weight, row and column of the tile. */
    tile,

    /** Declares a piece as a function of each of its vectors. */
    map,

    /** Declares g, the piece k of what normalised rows are multiplied by. */
    gain:
      offset === 0
        ? 'let g = load_gain(k);'
        : `let stored = load_gain(k);\n    ${map('g', (v) => `f32(${offset}) + stored${v}`)}`,

    /** The sum of the products of two pieces. */
    product: (x: string, y: string): string => {
      if (vectorSize === 1) return `${x} * ${y}`
      if (vectorSize === 4) return `dot(${x}, ${y})`
      return `dot(${x}.low, ${y}.low) + dot(${x}.high, ${y}.high)`
    },

    /** Writes a row of the tile; `offset` is where its column j lies after the first. */
    store: (i: number, offset: (j: number) => number): string => {
      const value = (j: number) => {
        const sum = biased ? `(b_${i}_${j} + bias[column + ${offset(j)}u])` : `b_${i}_${j}`
        if (gate) return `activation(${sum}) * up_${i}_${j}`
        return epilogue === 'residual' ? `residual[at + ${offset(j)}u] + ${sum}` : sum
      }
      return `if (row + ${i}u < params.m) {
    let at = (row + ${i}u) * params.columns + column;
    ${each(columns, (j) => `if (edge + ${offset(j)}u < params.n) { store_c(at + ${offset(j)}u, ${value(j)}); }`)}
  }`
    },
  }
}
