import type { KernelDefinition } from '../../kernel/index'
import { each } from '../each'
import { components } from './exchange'
import { type FlashForm, membersOfLane } from './flash-source'
import { entryPoint, gradientOperands, written } from './frame'
import { reachSource } from './reach'
import { scoreUses } from './score'
import { flashQueries } from './select'

/**
 * The gradients of attention of many rows, for GPUs: what `queryGradientSource` and `keyGradientSource` compute, by tiles in
 * workgroup memory (FlashAttention-2: Dao 2023, arXiv 2307.08691, without its atomics). All operands are f32.
 *
 * A workgroup has a block of 64 members, queries or keys, of a key head, lane (x, y) of `across` × 16 the members 4y … 4y + 3; a tile of
 * as many of the others as workgroup memory holds is loaded for all of them. As in flash-source.ts, a lane scores the places x, x +
 * across, … of a tile, and adds up the vectors x, x + across, … of the head; vector v of place j lies at v · keys + (j ^ v).
 *
 * Sums are over the places in order, tile by tile; tiles begin at multiples of their size.
 */
export const flashQueryGradientSource = (form: FlashForm): Omit<KernelDefinition, 'name'> => {
  const { score, vectors, across, keys } = form
  const { eachPlace, eachSum, load, products, put, add, write } = parts(form)
  const source = `${entryPoint(score, [...gradientOperands(), written('dq', 'vec4f')], `${reachSource(score.given)}\n${memory(vectors, keys)}`)}
  ${membersOfLane(across, 'queries')}
  let at = queriesAt(block, members);
  let sight = sightOf(block.batch, rowsOf(members), 0u, params.keys);
  let last = min(block.first + ${flashQueries}u, queries) - 1u;
  let reach = reachOf(block.batch, rowOf(block.first), rowOf(last), 0u, params.keys);
  ${each(4, (m) => `let sums${m} = rowSums[sumsAt(block, members[${m}])];`)}
  let logSumExp = vec4f(sums0.x, sums1.x, sums2.x, sums3.x);
  let delta = vec4f(sums0.y, sums1.y, sums2.y, sums3.y);
  ${eachSum('dq', (name) => `var ${name} = vec4f();`)}
  for (var tile = reach.begin / ${keys}u * ${keys}u; tile < reach.end; tile = reachAfter(reach, tile, ${keys}u)) {
    ${load('v', 'keyAt(block, min(tile + place, reach.end - 1u))')}
    workgroupBarrier();
    ${products('g', 'dout')}
    workgroupBarrier();
    ${load('k', 'keyAt(block, min(tile + place, reach.end - 1u))')}
    workgroupBarrier();
    ${products('s', 'q')}
    ${eachPlace(
      (j, place) => `let seen${j} = sees(sight, vec4u(tile + ${place}));
    let slope${j} = select(vec4f(), exp(scoreOf(s${j}) - logSumExp), seen${j}) * (g${j} - delta) * slopeOf(s${j});`,
    )}
    ${put('slope')}
    workgroupBarrier();
    let count = min(${keys}u, reach.end - tile);
    ${add('dq')}
    workgroupBarrier();
  }
  let there = min(queries - min(mine.first, queries), 4u);
  ${write('dq')}
}`
  return { source, uses: [...scoreUses(score)], constants: ['LANES', 'VECTORS'] }
}

/** The same for keys and values: members are keys, tiles are of queries, which are loaded twice, as dk waits for what dout says. */
export const flashKeyGradientSource = (form: FlashForm): Omit<KernelDefinition, 'name'> => {
  const { score, vectors, across, keys: places } = form
  const { eachPlace, eachSum, load, products, put, add, write } = parts(form)
  const theirs = 'queryAt(block, min(tile + place, queries - 1u))'
  const bindings = [...gradientOperands(), written('dk', 'vec4f'), written('dv', 'vec4f')]
  const source = `${entryPoint(score, bindings, memory(vectors, places))}
  ${membersOfLane(across, 'params.keys')}
  let at = keysAt(block, members);
  // The rows that see any of the block's keys.
  var begin = params.rows;
  var after = 0u;
  for (var key = block.first; key < min(block.first + ${flashQueries}u, params.keys); key += 4u) {
    let rows = rowsSeeing(block.batch, key);
    if (rows.begin < rows.end) {
      begin = min(begin, rows.begin);
      after = max(after, rows.end);
    }
  }
  let end = after * (params.heads / params.kvHeads);
  ${eachSum('dk', (name) => `var ${name} = vec4f();`)}
  ${eachSum('dv', (name) => `var ${name} = vec4f();`)}
  for (var tile = begin * (params.heads / params.kvHeads) / ${places}u * ${places}u; tile < end; tile += ${places}u) {
    let count = min(${places}u, end - tile);
    ${load('q', theirs)}
    workgroupBarrier();
    ${products('s', 'k')}
    ${eachPlace(
      (j, place) => `let real${j} = min(tile + ${place}, queries - 1u); // what is at the end or later is not counted
    let sums${j} = rowSums[sumsAt(block, real${j})];
    let seen${j} = sees(sightOfRow(block.batch, rowOf(real${j})), members);
    let chance${j} = select(vec4f(), exp(scoreOf(s${j}) - sums${j}.x), seen${j});`,
    )}
    workgroupBarrier();
    ${load('dout', theirs)}
    ${put('chance')}
    workgroupBarrier();
    ${products('g', 'v')}
    ${add('dv')}
    ${eachPlace((j) => `let slope${j} = chance${j} * (g${j} - sums${j}.y) * slopeOf(s${j});`)}
    workgroupBarrier();
    ${load('q', theirs)}
    ${put('slope')}
    workgroupBarrier();
    ${add('dk')}
    workgroupBarrier();
  }
  let there = min(params.keys - min(mine.first, params.keys), 4u);
  ${write('dk')}
  ${write('dv')}
}`
  return { source, uses: [...scoreUses(score)], constants: ['LANES', 'VECTORS'] }
}

const memory = (vectors: number, places: number) => `
var<workgroup> held: array<vec4f, ${places * vectors}>; // a tile
var<workgroup> factors: array<vec4f, ${(flashQueries / 4) * places}>; // of four members, by y and place`

/** WGSL that both have in common. */
function parts({ vectors, across, keys: places }: FlashForm) {
  const [scored, owned] = [places / across, Math.ceil(vectors / across)]
  const eachPlace = (line: (j: number, place: string) => string) => each(scored, (j) => line(j, `x + ${j * across}u`))
  const eachSum = (sum: string, line: (name: string) => string) =>
    each(owned, (o) => each(4, (m) => line(`${sum}${o}_${m}`)))
  return {
    eachPlace,
    eachSum,
    /** A tile of a binding; `address` is where the vectors of `place` begin. */
    load: (binding: string, address: string) => `for (var i = lane; i < ${places * vectors}u; i += LANES) {
      let place = i / VECTORS;
      let vector = i % VECTORS;
      held[vector * ${places}u + (place ^ (vector % ${places}u))] = ${binding}[${address} + vector];
    }`,
    /** Declares products of what is held with the members' vectors of a binding: `name`0 …, a component a member. */
    products: (name: string, binding: string) => `${eachPlace((j) => `var ${name}${j} = vec4f();`)}
    for (var i = 0u; i < VECTORS; i++) {
      let own = mat4x4f(${components.map((m) => `${binding}[at.${m} + i]`).join(', ')});
      let first = i * ${places}u;
      let turn = i % ${places}u;
      ${eachPlace((j, place) => `${name}${j} += held[first + ((${place}) ^ turn)] * own;`)}
    }`,
    /** Hands round what lanes have found of their places. */
    put: (name: string) => eachPlace((j, place) => `factors[y * ${places}u + ${place}] = ${name}${j};`),
    /** Adds what is held to sums, times the factors. */
    add: (sum: string) => `for (var j = 0u; j < count; j++) {
      let factor = factors[y * ${places}u + j];
      ${each(
        owned,
        (o) => `let vector${o} = min(x + ${o * across}u, VECTORS - 1u);
      let value${o} = held[vector${o} * ${places}u + (j ^ (vector${o} % ${places}u))];
      ${each(4, (m) => `${sum}${o}_${m} += factor.${components[m]} * value${o};`)}`,
      )}
    }`,
    /** Writes the sums of those members that are `there`. */
    write: (target: string) =>
      each(owned, (o) => {
        const writes = each(
          4,
          (m) => `if (there > ${m}u) { ${target}[at.${components[m]} + x + ${o * across}u] = ${target}${o}_${m}; }`,
        )
        return (o + 1) * across <= vectors ? writes : `if (x + ${o * across}u < VECTORS) { ${writes} }`
      }),
  }
}
