import type { KernelDefinition } from '../../kernel/index'
import { each } from '../each'
import { type LinearForm, linearFrame } from './linear-frame'

/**
 * WGSL of a linear layer, c = a · bᵀ, where a workgroup is a subgroup of one known size, `lanes`: each lane reads columns of
 * its own, and what the lanes need of a they load once between them and hand round. Operands: linear-frame.ts.
 *
 * A workgroup computes `rows` × `columns` · `lanes` elements of c, the columns of a lane `lanes` apart. Every element is a sum
 * over k in order, so a row's result does not depend on how many rows there are. Lane l loads the rows l, l + lanes, … of a
 * and adds up their squares. Tiles past the edge read the last row or column again and write nothing. Workgroups in a line,
 * columns fastest, folded over x and y.
 */
export function subgroupsLinearSource(form: LinearForm, lanes: number): Omit<KernelDefinition, 'name'> {
  const { rows, columns, vectorSize, normed } = form
  const { weights, uses, declarations, tile, map, gain, product, store } = linearFrame(form)
  const held = Math.ceil(rows / lanes)
  const handed = (name: string, i: number, vector = '') =>
    `subgroupBroadcast(${name}${Math.floor(i / lanes)}${vector}, ${i % lanes}u)`
  const source = `enable subgroups;
${declarations}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let number = group.x + group.y * groups.x;
  if (number >= params.tiles) { return; }
  let row = (number / params.tilesAcross) * ${rows}u;
  let edge = (number % params.tilesAcross) * ${columns * lanes}u + lane;
  let column = params.first + edge;
  ${each(held, (h) => `let row${h} = min(row + lane + ${h * lanes}u, params.m - 1u) * params.k;`)}
  ${each(columns, (j) => `let column${j} = min(edge + ${j * lanes}u, params.n - 1u) * params.k;`)}
  ${tile((weight, i, j) => `var ${weight}_${i}_${j} = 0.0;`)}
  ${normed ? each(held, (h) => `var squares${h} = 0.0;`) : ''}
  for (var k = 0u; k < params.k; k++) {
    ${normed ? gain : ''}
    ${each(held, (h) => `let held${h} = load_a(row${h} + k);`)}
    ${normed ? each(held, (h) => `squares${h} += ${product(`held${h}`, `held${h}`)};\n  ${map(`scaled${h}`, (v) => `held${h}${v} * g${v}`)}`) : ''}
    ${each(rows, (i) => map(`x${i}`, (v) => handed(normed ? 'scaled' : 'held', i, v)))}
    ${weights.map((weight) => each(columns, (j) => `let ${weight}${j} = load_${weight}(column${j} + k);`)).join('\n  ')}
    ${tile((weight, i, j) => `${weight}_${i}_${j} += ${product(`x${i}`, `${weight}${j}`)};`)}
  }
  ${normed ? each(held, (h) => `let scale${h} = inverseSqrt(squares${h} / f32(${vectorSize}u * params.k) + params.epsilon);`) : ''}
  ${normed ? each(rows, (i) => `let scaleOf${i} = ${handed('scale', i)};`) : ''}
  ${normed ? tile((weight, i, j) => `${weight}_${i}_${j} *= scaleOf${i};`) : ''}
  ${each(rows, (i) => store(i, (j) => j * lanes))}
}`
  return { source, uses }
}
