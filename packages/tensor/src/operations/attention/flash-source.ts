import { elements, type KernelDefinition } from '../../kernel/index'
import { each } from '../each'
import { components } from './exchange'
import { entryPoint, ofPairs } from './frame'
import { reachSource } from './reach'
import { type ScoreForm, scoreUses } from './score'
import { type FlashShape, flashQueries } from './select'

/** What a kernel of tiles in workgroup memory is generated from. */
export interface FlashForm extends FlashShape {
  readonly score: ScoreForm
  /** Of four, in a head. */
  readonly vectors: number
}

/** The 64 members that a workgroup has, queries or keys, of so many in all, and the four of them that a lane has. */
export const membersOfLane = (across: number, all: 'queries' | 'params.keys'): string => `let queries = queryCount();
  let block = blockAt(index, ${all}, ${flashQueries}u);
  if (block.split >= params.splits) { return; }
  let x = lane % ${across}u;
  let y = lane / ${across}u;
  let mine = Block(block.first + 4u * y, block.kvHead, block.batch, block.split);
  let members = membersOf(mine, ${all});`

/**
 * Attention of many rows, for GPUs: `out` and `logSumExp` as of `forwardSource`, by tiles in workgroup memory with an online
 * softmax (FlashAttention: Dao et al. 2022, arXiv 2205.14135). A workgroup has 64 queries of a key head, and for them loads a tile
 * of `keys` keys once, and where these were their values; in memory both are what they are in the cache, halves two in a word.
 * Operands: frame.ts, but that all of them and out may be f16.
 *
 * Lane (x, y) of `across` × 16 scores the keys x, x + across, … of a tile for the queries 4y … 4y + 3, and adds up the vectors
 * x, x + across, … of the head for the same queries: scores are exchanged between the lanes of one y alone. Vector v of key j lies
 * at v · keys + (j ^ v), which keeps lanes that store neighbouring vectors, and those that read neighbouring keys, off each other's
 * banks; values lie as they are read.
 *
 * Tiles begin at multiples of `keys` and a tile in which a query sees nothing leaves its sums as they are, so that the bits of a
 * row depend on the cache alone: not on the rows beside it, nor on how a prompt is cut.
 */
export function flashSource({ score, vectors, across, keys, half }: FlashForm): Omit<KernelDefinition, 'name'> {
  const [scored, owned] = [keys / across, Math.ceil(vectors / across)]
  const eachKey = (line: (j: number) => string) => each(scored, line)
  const eachSum = (line: (o: number, m: number) => string) => each(owned, (o) => each(4, (m) => line(o, m)))
  const widened = (place: string) => (half ? `widened(held[${place}])` : `held[${place}]`)
  const kept = (loaded: string) => (half ? `halves(${loaded})` : loaded)
  const load = (binding: 'k' | 'v', place: string) => `for (var i = lane; i < ${keys * vectors}u; i += LANES) {
      let key = i / VECTORS;
      let vector = i % VECTORS;
      held[${place}] = ${kept(`load_${binding}(keyAt(block, min(tile + key, reach.end - 1u)) + vector)`)};
    }`
  const bindings = [
    'var<storage, read> q: array<element_q>',
    'var<storage, read> k: array<element_k>',
    'var<storage, read> v: array<element_v>',
    'var<storage, read_write> out: array<element_out>',
    'var<storage, read_write> logSumExp: array<f32>',
  ]
  const declarations = `${reachSource(score.given)}
var<workgroup> held: array<${half ? 'vec2u' : 'vec4f'}, ${keys * vectors}>; // a tile of keys, then of their values
var<workgroup> weights: array<vec4f, ${(flashQueries / 4) * keys}>; // of four queries, by y and key; before, their largest scores by y and x
${
  half
    ? `fn widened(x: vec2u) -> vec4f { return vec4f(unpack2x16float(x.x), unpack2x16float(x.y)); }
fn halves(x: vec4f) -> vec2u { return vec2u(pack2x16float(x.xy), pack2x16float(x.zw)); }`
    : ''
}`
  const source = `${entryPoint(score, bindings, declarations)}
  ${membersOfLane(across, 'queries')}
  let at = queriesAt(block, members);
  let low = block.split * params.span;
  let sight = sightOf(block.batch, rowsOf(members), low, low + params.span);
  let last = min(block.first + ${flashQueries}u, queries) - 1u;
  let reach = reachOf(block.batch, rowOf(block.first), rowOf(last), low, low + params.span);
  var largest = vec4f(-3.0e38);
  var total = vec4f(); // of this lane's keys
  ${eachSum((o, m) => `var m${o}_${m} = vec4f();`)}
  for (var tile = reach.begin / ${keys}u * ${keys}u; tile < reach.end; tile = reachAfter(reach, tile, ${keys}u)) {
    ${load('k', `vector * ${keys}u + (key ^ (vector % ${keys}u))`)}
    workgroupBarrier();
    ${eachKey((j) => `var s${j} = vec4f();`)}
    for (var i = 0u; i < VECTORS; i++) {
      let asked = mat4x4f(${components.map((m) => `load_q(at.${m} + i)`).join(', ')});
      let first = i * ${keys}u;
      let turn = i % ${keys}u;
      ${eachKey((j) => `s${j} += ${widened(`first + ((x + ${j * across}u) ^ turn)`)} * asked;`)}
    }
    ${eachKey(
      (j) => `let seen${j} = sees(sight, vec4u(tile + x + ${j * across}u));
    let score${j} = select(vec4f(-3.0e38), scoreOf(s${j}), seen${j});`,
    )}
    weights[y * ${keys}u + x] = ${ofPairs('score', scored, (a, b) => `max(${a}, ${b})`)};
    workgroupBarrier();
    ${load('v', 'i')}
    var top = largest;
    for (var i = 0u; i < ${across}u; i++) { top = max(top, weights[y * ${keys}u + i]); }
    let shrink = exp(largest - top);
    largest = top;
    ${eachKey((j) => `let weight${j} = select(vec4f(), exp(score${j} - top), seen${j});`)}
    total = total * shrink + ${ofPairs('weight', scored, (a, b) => `(${a} + ${b})`)};
    workgroupBarrier();
    ${eachKey((j) => `weights[y * ${keys}u + x + ${j * across}u] = weight${j};`)}
    ${eachSum((o, m) => `m${o}_${m} *= shrink.${components[m]};`)}
    workgroupBarrier();
    let count = min(${keys}u, reach.end - tile);
    for (var j = 0u; j < count; j++) {
      let weight = weights[y * ${keys}u + j];
      ${each(
        owned,
        (o) => `let value${o} = ${widened(`j * VECTORS + min(x + ${o * across}u, VECTORS - 1u)`)};
      ${each(4, (m) => `m${o}_${m} += weight.${components[m]} * value${o};`)}`,
      )}
    }
    workgroupBarrier();
  }
  weights[y * ${keys}u + x] = total;
  workgroupBarrier();
  total = vec4f();
  for (var i = 0u; i < ${across}u; i++) { total += weights[y * ${keys}u + i]; }
  total = totalOf(total);
  let there = min(queries - min(mine.first, queries), 4u);
  let places = outOfSplit(at, block);
  ${each(owned, (o) => {
    const whole = (o + 1) * across <= vectors
    const writes = each(
      4,
      (m) =>
        `if (there > ${m}u) { store_out(places.${components[m]} + x + ${o * across}u, m${o}_${m} / total.${components[m]}); }`,
    )
    return whole ? writes : `if (x + ${o * across}u < VECTORS) { ${writes} }`
  })}
  if (x < there) { logSumExp[logSumExpOfSplit(block, mine.first + x)] = largest[x] + log(total[x]); }
}`
  return { source, uses: [flashElements, ...scoreUses(score)], constants: ['LANES', 'VECTORS'] }
}

const flashElements = elements({ q: 4, k: 4, v: 4, out: 4 }, { packed: true })
