import type { KernelDefinition } from '../../kernel/index'
import { each } from '../each'
import { rowReduction } from '../reduce/row-reduction'
import { type LinearForm, linearFrame } from './linear-frame'

/**
 * WGSL of a linear layer, c = a · bᵀ by dot products along k: both operands run along k in memory, so the lanes of a workgroup
 * take neighbouring k and load neighbouring words. Operands: linear-frame.ts.
 *
 * A workgroup of LANES invocations computes a tile of `rows` × `columns` elements of c: lane l adds up the pieces of `vectorSize`
 * elements l, l + LANES, … of k, and the lanes' sums are added at the end. That order is the same for every element whatever
 * the tile, so a row's result does not depend on how many rows there are. Tiles past the edge read the last row or column
 * again and write nothing. Workgroups in a line, columns fastest, folded over x and y.
 */
export function dotSource(form: LinearForm): Omit<KernelDefinition, 'name'> {
  const { rows, columns, vectorSize, normed } = form
  const { weights, uses, declarations, place, tile, map, gain, product, store } = linearFrame(form)
  const source = `${declarations}
@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  ${place}
  for (var k = lane; k < params.k; k += LANES) {
    ${normed ? gain : ''}
    ${each(rows, (i) => `let x${i} = load_a(row${i} + k);`)}
    ${normed ? each(rows, (i) => `squares${i} += ${product(`x${i}`, `x${i}`)};\n  ${map(`y${i}`, (v) => `x${i}${v} * g${v}`)}`) : ''}
    ${weights.map((weight) => each(columns, (j) => `let ${weight}${j} = load_${weight}(column${j} + k);`)).join('\n  ')}
    ${tile((weight, i, j) => `${weight}_${i}_${j} += ${product(`${normed ? 'y' : 'x'}${i}`, `${weight}${j}`)};`)}
  }
  ${normed ? each(rows, (i) => `let scale${i} = inverseSqrt(rowSum(squares${i}, lane) / f32(${vectorSize}u * params.k) + params.epsilon);`) : ''}
  ${tile((weight, i, j) => `${weight}_${i}_${j} = rowSum(${weight}_${i}_${j}, lane)${normed ? ` * scale${i}` : ''};`)}
  if (lane != 0u) { return; }
  ${each(rows, (i) => store(i, (j) => j))}
}`
  return { source, uses: [rowReduction, ...uses] }
}
