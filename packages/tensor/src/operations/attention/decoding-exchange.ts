import { each } from '../each'
import { rowReduction } from '../reduce/row-reduction'
import { components, type Exchange, writeMembers } from './exchange'

/**
 * For a few rows on a GPU: a whole workgroup at work where one subgroup would wait for memory. Two lanes a key for the scores,
 * then LANES / VECTORS lanes a vector of the head, each with keys of its own (flash-decoding: Dao, Haziza, Massa & Sizov 2023).
 * They meet in workgroup memory; VECTORS ≤ LANES. One term, one pair.
 */
export const decodingExchange: Exchange = {
  name: 'Decoding',
  uses: [rowReduction],
  constants: ['VECTORS'],
  scored: 1,
  declarations: ([term]) => `const TILE = LANES / 2u;
const SHARES = LANES / VECTORS;
var<workgroup> halves: array<vec4f, LANES>; // of the products
var<workgroup> ${term!.factor}s: array<vec4f, TILE>; // by place of the tile
var<workgroup> ${term!.sum}Sums: array<mat4x4f, LANES>; // a column for each member, by share and vector`,
  begin: ([term]) => `let side = lane % 2u;
  let vector = lane % VECTORS;
  let share = lane / VECTORS;
  ${each(4, (m) => `var ${term!.sum}${m} = vec4f();`)}`,
  place: () => 'tile + lane / 2u',
  products: ([pair]) => `var half = vec4f();
    for (var i = side; i < VECTORS; i += 2u) {
      half += ${pair!.source('theirs0 + i')} * mat4x4f(${components.map((m) => `${pair!.block}[at.${m} + i]`).join(', ')});
    }
    halves[lane] = half;
    workgroupBarrier();
    let ${pair!.name}0 = halves[lane - side] + halves[lane - side + 1u];`,
  max: (value) => `rowMax4(${value}, lane)`,
  sum: (value) => `rowSum4(${value}, lane)`,
  counted: (value) => `select(vec4f(), ${value}, side == 0u)`,
  addTile: ([term], { end, at, step, shrink }) => `if (side == 0u) { ${term!.factor}s[lane / 2u] = ${term!.factor}0; }
    workgroupBarrier();
    ${shrink ? each(4, (m) => `${term!.sum}${m} *= ${shrink}.${components[m]};`) : ''}
    let count = select(0u, min(TILE, ${end} - tile), share < SHARES);
    let first = ${at('tile')} + vector;
    for (var i = share; i < count; i += SHARES) {
      let factor = ${term!.factor}s[i];
      let value = ${term!.source(`first + i * ${step}`)};
      ${each(4, (m) => `${term!.sum}${m} += factor.${components[m]} * value;`)}
    }`,
  store: (
    [output],
    at,
  ) => `${output!.sum}Sums[lane] = mat4x4f(${components.map((_, m) => `${output!.sum}${m}`).join(', ')});
  workgroupBarrier();
  if (lane < VECTORS) {
    var sum = ${output!.sum}Sums[lane];
    for (var i = 1u; i < SHARES; i++) { sum += ${output!.sum}Sums[i * VECTORS + lane]; }
    ${writeMembers([output!], at, 'lane', (_, m) => `sum[${m}]`)}
  }`,
}
