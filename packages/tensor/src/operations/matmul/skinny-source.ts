import type { KernelDefinition } from '../../kernel/index'
import { each } from '../each'
import { type LinearForm, linearFrame } from './linear-frame'

/** How the invocations of a workgroup meet. */
export interface SkinnyShape {
  /** Invocations of a workgroup, neighbours along k. */
  readonly lanes: number
  /** So many neighbours, a power of two, are of one subgroup whatever size the driver takes. The rest meet in workgroup memory. */
  readonly reach: number
}

/**
 * WGSL of a linear layer of a few rows, c = a · bᵀ, for GPUs with subgroups: all rows, 16 at most, are one tile, so that each word of
 * the weights is read and unpacked once, into registers, and multiplied by every row. Operands: linear-frame.ts.
 *
 * A workgroup computes a tile of `rows` × `columns` elements of c: lane l adds up the pieces of `vectorSize` elements l, l + lanes, …
 * of k. Then neighbours add by shuffles, over 1, 2, 4, … lanes up to `reach`, and what these come to is added in order by way of
 * workgroup memory, behind one barrier; row i is lane i's to finish. That is one order for every element, whatever the tile and
 * whatever size of subgroup a driver takes for it, so a row's result does not depend on how many rows there are. (`subgroupAdd` has
 * an order of its own for each size.)
 *
 * Tiles past the edge read the last row or column again and write nothing. Workgroups in a line, columns fastest, folded over x and y.
 */
export function skinnySource(form: LinearForm, { lanes, reach }: SkinnyShape): Omit<KernelDefinition, 'name'> {
  const { rows, columns, vectorSize, normed } = form
  const { weights, uses, declarations, place, map, gain, product, store } = linearFrame(form)
  const groups = lanes / reach
  const type = columns === 1 ? 'f32' : `vec${columns}f`
  const of = (name: string, j: number) => (columns === 1 ? name : `${name}[${j}]`)
  const vector = (weight: string, i: number) =>
    `${type}(${Array.from({ length: columns }, (_, j) => `${weight}_${i}_${j}`).join(', ')})`
  const near = (name: string, type: string) => `fn ${name}(value: ${type}) -> ${type} {
  var sum = value;
  ${each(Math.log2(reach), (s) => `sum += subgroupShuffleXor(sum, ${2 ** s}u);`)}
  return sum;
}`
  /** What the groups of neighbours have of a sum, in order. */
  const all = (memory: string, count: number, place: number) =>
    Array.from({ length: groups }, (_, g) => `${memory}[${g * count + place}]`).join(' + ')
  const inMemory = (
    i: number,
  ) => `${weights.map((weight, w) => `let ${weight}Total = ${all('sums', rows * weights.length, i * weights.length + w)};`).join('\n      ')}
      ${normed ? `let squares = ${all('squareSums', rows, i)};` : ''}`
  const inRegisters = (
    i: number,
  ) => `${weights.map((weight) => `let ${weight}Total = ${weight}Sum${i};`).join('\n      ')}
      ${normed ? `let squares = squareSum${i};` : ''}`
  const source = `enable subgroups;
${declarations}
${near('near', type)}
${normed && columns > 1 ? near('nearSquares', 'f32') : ''}
${groups > 1 ? `var<workgroup> sums: array<${type}, ${groups * rows * weights.length}>;` : ''}
${groups > 1 && normed ? `var<workgroup> squareSums: array<f32, ${groups * rows}>;` : ''}

@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  ${place}
  for (var k = lane; k < params.k; k += ${lanes}u) {
    ${normed ? gain : ''}
    ${weights.map((weight) => each(columns, (j) => `let ${weight}${j} = load_${weight}(column${j} + k);`)).join('\n  ')}
    ${each(
      rows,
      (i) => `{
      let x = load_a(row${i} + k);
      ${normed ? `squares${i} += ${product('x', 'x')};\n      ${map('y', (v) => `x${v} * g${v}`)}` : ''}
      ${weights.map((weight) => each(columns, (j) => `${weight}_${i}_${j} += ${product(normed ? 'y' : 'x', `${weight}${j}`)};`)).join('\n  ')}
    }`,
    )}
  }
  ${weights.map((weight) => each(rows, (i) => `let ${weight}Sum${i} = near(${vector(weight, i)});`)).join('\n  ')}
  ${normed ? each(rows, (i) => `let squareSum${i} = ${columns > 1 ? 'nearSquares' : 'near'}(squares${i});`) : ''}
  ${
    groups > 1
      ? `if (lane % ${reach}u == 0u) {
    let place = lane / ${reach}u;
    ${weights.map((weight, w) => each(rows, (i) => `sums[place * ${rows * weights.length}u + ${i * weights.length + w}u] = ${weight}Sum${i};`)).join('\n  ')}
    ${normed ? each(rows, (i) => `squareSums[place * ${rows}u + ${i}u] = squareSum${i};`) : ''}
  }
  workgroupBarrier();`
      : ''
  }
  ${each(
    rows,
    (i) => `if (lane == ${i % lanes}u) {
      ${groups > 1 ? inMemory(i) : inRegisters(i)}
      ${normed ? `let scale = inverseSqrt(squares / f32(${vectorSize}u * params.k) + params.epsilon);` : ''}
      ${weights.map((weight) => each(columns, (j) => `${weight}_${i}_${j} = ${of(`${weight}Total`, j)}${normed ? ' * scale' : ''};`)).join('\n  ')}
      ${store(i, (j) => j)}
    }`,
  )}
}`
  return { source, uses }
}
