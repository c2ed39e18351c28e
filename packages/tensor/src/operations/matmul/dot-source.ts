import type { FormatName } from '../../formats/index'
import { pieceReader, pieceType } from '../../formats/piece-reader'

/** What a dot kernel computes. */
export interface DotForm {
  /** The tile of c that a workgroup computes. */
  readonly rows: number
  readonly columns: number
  /** Elements of k that a lane takes at once: of weights in a format 8, of f32 4 where k is a multiple of it, else 1. */
  readonly width: 1 | 4 | 8
  /** The formats of b and up, where the width is 8. */
  readonly format?: { readonly b: FormatName; readonly up?: FormatName | undefined } | undefined
  /** Rows of a are RMS-normalised on the way: a · gain / √(mean(a²) + ε). */
  readonly normed: boolean
  /** `bias` is added to every row of a · bᵀ. */
  readonly biased: boolean
  /** c is a · bᵀ; or `residual` is added to that; or it is gated: silu(a · bᵀ) · (a · upᵀ). */
  readonly epilogue: 'none' | 'residual' | 'swiglu'
}

/**
 * WGSL of a linear layer, c = a · bᵀ by dot products along k: both operands run along k in memory, so the lanes of a workgroup
 * take neighbouring k and load neighbouring words.
 *
 *   a: [m, k]    b, up: [n, k], rows `first` … of the whole weights    c, residual: [m, width]    gain: [k]    bias: [width]
 *
 * A workgroup of LANES invocations computes a tile of `rows` × `columns` elements of c: lane l adds up the pieces of `width`
 * elements l, l + LANES, … of k (params.k counts pieces), and the lanes' sums are added at the end. That order is the same
 * for every element whatever the tile, so a row's result does not depend on how many rows there are. Tiles past the edge read
 * the last row or column again and write nothing. Workgroups in a line, columns fastest, folded over x and y. Prelude: rowSum
 * (row-reduction.ts).
 */
export function dotSource({ rows, columns, width, format, normed, biased, epilogue }: DotForm): string {
  const weights = epilogue === 'swiglu' ? (['b', 'up'] as const) : (['b'] as const)
  const readers = weights.flatMap((weight) => (format ? [pieceReader(weight, format[weight]!)] : []))
  const type = width === 1 ? 'f32' : 'vec4f'
  const inputs = [
    `var<storage, read> a: array<${type}>`,
    ...(format
      ? readers.flatMap(({ declarations }) => declarations)
      : weights.map((name) => `var<storage, read> ${name}: array<${type}>`)),
    ...(normed ? [`var<storage, read> gain: array<${type}>`] : []),
    ...(biased ? ['var<storage, read> bias: array<f32>'] : []),
    ...(epilogue === 'residual' ? ['var<storage, read> residual: array<f32>'] : []),
    'var<storage, read_write> c: array<f32>',
  ]
  const fields = [
    ...['m', 'n', 'k', 'first', 'width', 'tilesAcross', 'tiles'].map((name) => `${name}: u32`),
    ...(normed ? ['epsilon: f32'] : []),
    ...readers.flatMap((reader) => reader.fields),
  ]

  const each = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i)).join('\n  ')
  /** A line for each weight, row and column of the tile. */
  const tile = (line: (weight: string, i: number, j: number) => string) =>
    weights.map((weight) => each(rows, (i) => each(columns, (j) => line(weight, i, j)))).join('\n  ')
  /** A piece of a or of the gain, a vector or two. */
  const load = (name: string, source: string, at: string) =>
    width === 8
      ? `let ${name}low = ${source}[2u * (${at})];\n  let ${name}high = ${source}[2u * (${at}) + 1u];`
      : `let ${name} = ${source}[${at}];`
  const scaled = (name: string, x: string, y: string) =>
    width === 8
      ? `let ${name}low = ${x}low * ${y}low;\n  let ${name}high = ${x}high * ${y}high;`
      : `let ${name} = ${x} * ${y};`
  const product = (x: string, y: string, part = '') => {
    if (width === 1) return `${x} * ${y}`
    if (width === 4) return `dot(${x}, ${y})`
    return `dot(${x}low, ${y}${part}low) + dot(${x}high, ${y}${part}high)`
  }
  const loadWeight = (weight: string, j: number) =>
    format ? `let ${weight}${j} = ${weight}Piece(column${j} + k);` : `let ${weight}${j} = ${weight}[column${j} + k];`
  const result = (i: number, j: number) => {
    const sum = biased ? `(b_${i}_${j} + bias[column + ${j}u])` : `b_${i}_${j}`
    return { none: sum, residual: `residual[at + ${j}u] + ${sum}`, swiglu: `silu(${sum}) * up_${i}_${j}` }[epilogue]
  }
  return `struct Params { ${fields.join(', ')} }
${inputs.map((input, i) => `@group(0) @binding(${i}) ${input};`).join('\n')}
@group(1) @binding(0) var<uniform> params: Params;

fn silu(x: f32) -> f32 { return x / (1.0 + exp(-max(x, -80.0))); }
${format ? `${pieceType}\n${readers.map(({ source }) => source).join('\n')}` : ''}
@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let number = group.x + group.y * groups.x;
  if (number >= params.tiles) { return; }
  let row = (number / params.tilesAcross) * ${rows}u;
  let edge = (number % params.tilesAcross) * ${columns}u;
  let column = params.first + edge;
  ${each(rows, (i) => `let row${i} = min(row + ${i}u, params.m - 1u) * params.k;`)}
  ${each(columns, (j) => `let column${j} = min(edge + ${j}u, params.n - 1u) * params.k;`)}
  ${tile((weight, i, j) => `var ${weight}_${i}_${j} = 0.0;`)}
  ${normed ? each(rows, (i) => `var squares${i} = 0.0;`) : ''}
  for (var k = lane; k < params.k; k += LANES) {
    ${normed ? load('g', 'gain', 'k') : ''}
    ${each(rows, (i) => load(`x${i}`, 'a', `row${i} + k`))}
    ${normed ? each(rows, (i) => `squares${i} += ${product(`x${i}`, `x${i}`)};\n  ${scaled(`y${i}`, `x${i}`, 'g')}`) : ''}
    ${weights.map((weight) => each(columns, (j) => loadWeight(weight, j))).join('\n  ')}
    ${tile((weight, i, j) => `${weight}_${i}_${j} += ${product(`${normed ? 'y' : 'x'}${i}`, `${weight}${j}`, '.')};`)}
  }
  ${normed ? each(rows, (i) => `let scale${i} = inverseSqrt(rowSum(squares${i}, lane) / f32(${width}u * params.k) + params.epsilon);`) : ''}
  ${tile((weight, i, j) => `${weight}_${i}_${j} = rowSum(${weight}_${i}_${j}, lane)${normed ? ` * scale${i}` : ''};`)}
  if (lane != 0u) { return; }
  ${each(
    rows,
    (i) => `if (row + ${i}u < params.m) {
    let at = (row + ${i}u) * params.width + column;
    ${each(columns, (j) => `if (edge + ${j}u < params.n) { c[at + ${j}u] = ${result(i, j)}; }`)}
  }`,
  )}
}`
}
