import { each } from '../each'
import { components, type Exchange, writeMembers } from './exchange'

/**
 * A workgroup is one subgroup of `lanes`: what lanes find out for each other is handed round by subgroupBroadcast, and sums stay
 * in registers, each lane's own vectors of the head.
 *
 * @param vectors  of four in a head
 */
export function subgroupsExchange(lanes: number, vectors: number): Exchange {
  const owned = Math.ceil(vectors / lanes)
  const eachSum = (line: (o: number, m: number) => string) => each(owned, (o) => each(4, (m) => line(o, m)))
  return {
    name: `Subgroups${lanes}x${vectors}`,
    uses: [],
    constants: ['LANES', 'VECTORS'],
    scored: 4,
    declarations: () => 'enable subgroups;\nconst TILE = 4u * LANES;',
    begin: (terms) => `let mine = at[lane & 3u];
  ${terms.map(({ sum }) => eachSum((o, m) => `var ${sum}${o}_${m} = vec4f();`)).join('\n  ')}`,
    place: (j) => `tile + lane + ${j}u * LANES`,
    // Each of the first four lanes loads a vector of one of the block's members, for all.
    products: (pairs) => `${pairs.map(({ name }) => each(4, (j) => `var ${name}${j} = vec4f();`)).join('\n    ')}
    for (var i = 0u; i < VECTORS; i++) {
      ${pairs
        .map(
          ({ name, source, block }) => `let ${name}Held = ${block}[mine + i];
      let ${name}Block = mat4x4f(${components.map((_, m) => `subgroupBroadcast(${name}Held, ${m}u)`).join(', ')});
      ${each(4, (j) => `${name}${j} += ${source(`theirs${j} + i`)} * ${name}Block;`)}`,
        )
        .join('\n      ')}
    }`,
    max: (value) => `subgroupMax(${value})`,
    sum: (value) => `subgroupAdd(${value})`,
    counted: (value) => value,
    // A lane's four factors come by turns into the first, so that the text, and what drivers make of it, is a quarter as long.
    addTile: (terms, { end, at, shrink }) => `${terms
      .map(({ sum }) => (shrink ? eachSum((o, m) => `${sum}${o}_${m} *= ${shrink}.${components[m]};`) : ''))
      .join('\n    ')}
    for (var part = tile; part < min(tile + TILE, ${end}); part += LANES) {
      ${each(
        lanes,
        (l) => `{
        let first = ${at(`min(part + ${l}u, ${end} - 1u)`)};
        ${terms
          .map(
            ({ sum, factor, source }) => `let ${factor} = subgroupBroadcast(${factor}0, ${l}u);
        ${each(
          owned,
          (o) => `let ${sum}Value${o} = ${source(`first + min(lane + ${o}u * LANES, VECTORS - 1u)`)};
        ${each(4, (m) => `${sum}${o}_${m} += ${factor}.${components[m]} * ${sum}Value${o};`)}`,
        )}`,
          )
          .join('\n        ')}
      }`,
      )}
      ${terms.map(({ factor }) => each(3, (j) => `${factor}${j} = ${factor}${j + 1};`)).join('\n      ')}
    }`,
    store: (outputs, at) =>
      each(owned, (o) => {
        const writes = writeMembers(outputs, at, `lane + ${o}u * LANES`, (sum, m) => `${sum}${o}_${m}`)
        return (o + 1) * lanes <= vectors ? writes : `if (lane + ${o}u * LANES < VECTORS) { ${writes} }`
      }),
  }
}
