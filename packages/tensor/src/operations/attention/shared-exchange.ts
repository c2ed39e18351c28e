import { each } from '../each'
import { rowReduction } from '../reduce/row-reduction'
import { components, type Exchange, writeMembers } from './exchange'

/**
 * Lanes meet in workgroup memory: it holds a tile's factors for all, and the sums, of which a vector is always the same lane's.
 */
export const sharedExchange: Exchange = {
  name: '',
  uses: [rowReduction],
  constants: ['VECTORS'],
  scored: 4,
  declarations: (terms) => `const TILE = 4u * LANES;
${terms
  .map(
    ({ sum, factor }) => `var<workgroup> ${factor}s: array<vec4f, TILE>; // by place of the tile
var<workgroup> ${sum}Sums: array<mat4x4f, VECTORS>; // a column for each member`,
  )
  .join('\n')}`,
  begin: (terms) => `for (var d = lane; d < VECTORS; d += LANES) {
    ${terms.map(({ sum }) => `${sum}Sums[d] = mat4x4f();`).join('\n    ')}
  }`,
  place: (j) => `tile + lane + ${j}u * LANES`,
  products: (pairs) => `${pairs.map(({ name }) => each(4, (j) => `var ${name}${j} = vec4f();`)).join('\n    ')}
    for (var i = 0u; i < VECTORS; i++) {
      ${pairs
        .map(
          ({ name, source, block }) =>
            `let ${name}Block = mat4x4f(${components.map((m) => `${block}[at.${m} + i]`).join(', ')});
      ${each(4, (j) => `${name}${j} += ${source(`theirs${j} + i`)} * ${name}Block;`)}`,
        )
        .join('\n      ')}
    }`,
  max: (value) => `rowMax4(${value}, lane)`,
  sum: (value) => `rowSum4(${value}, lane)`,
  counted: (value) => value,
  addTile: (terms, { end, at, step, shrink }) => {
    const each4 = (line: (sum: string, m: number) => string) =>
      terms.map(({ sum }) => each(4, (m) => line(sum, m))).join('\n      ')
    return `workgroupBarrier();
    ${terms.map(({ factor }) => each(4, (j) => `${factor}s[lane + ${j}u * LANES] = ${factor}${j};`)).join('\n    ')}
    workgroupBarrier();
    let count = min(TILE, ${end} - tile);
    ${step ? `let step = ${step};` : ''}
    for (var d = lane; d < VECTORS; d += LANES) {
      ${terms.map(({ sum }) => `let ${sum}Before = ${sum}Sums[d];`).join('\n      ')}
      ${each4((sum, m) => `var ${sum}${m} = ${sum}Before[${m}]${shrink ? ` * ${shrink}.${components[m]}` : ''};`)}
      ${step ? `var first = ${at('tile')} + d;` : ''}
      for (var i = 0u; i < count; i++) {
        ${step ? '' : `let first = ${at('tile + i')} + d;`}
        ${terms
          .map(
            ({ sum, factor, source }) => `let ${factor} = ${factor}s[i];
        let ${sum}Value = ${source('first')};
        ${each(4, (m) => `${sum}${m} += ${factor}.${components[m]} * ${sum}Value;`)}`,
          )
          .join('\n        ')}
        ${step ? 'first += step;' : ''}
      }
      ${terms.map(({ sum }) => `${sum}Sums[d] = mat4x4f(${sum}0, ${sum}1, ${sum}2, ${sum}3);`).join('\n      ')}
    }`
  },
  store: (outputs, at) => `for (var d = lane; d < VECTORS; d += LANES) {
    ${outputs.map(({ sum }) => `let ${sum} = ${sum}Sums[d];`).join('\n    ')}
    ${writeMembers(outputs, at, 'd', (sum, m) => `${sum}[${m}]`)}
  }`,
}
