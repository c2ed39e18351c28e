import { elements, type KernelPart } from '../../kernel/index'
import { each } from '../each'
import combine from './combine.wgsl'
import { type Exchange, type Pair, plain, stored, type Term } from './exchange'
import places from './places.wgsl'
import { type ScoreForm, scoreFields, scoreSource } from './score'
import seers from './seers.wgsl'
import { sightSource } from './sight'

/** What a kernel of attention is generated from. */
export interface AttentionForm {
  /** How lanes share the work. */
  readonly exchange: Exchange
  readonly score: ScoreForm
}

/**
 * out = softmax(scores) v by one pass over the keys (online softmax: Milakov & Gimelshein 2018, arXiv 1805.02867; Dao et al.
 * 2022, arXiv 2205.14135), and logSumExp = ln Σ exp(scores), for the gradients.
 */
export function forwardSource(form: AttentionForm): string {
  const { exchange } = form
  const terms = [{ sum: 'm', factor: 'weight', source: stored('v') }]
  const scored = (line: (j: number) => string) => each(exchange.scored, line)
  return `${frame(form, terms, forwardBindings())}
  ${queriesOfBlock}
  ${exchange.begin(terms)}
  var largest = vec4f(-3.0e38);
  var total = vec4f(); // of this lane's keys
  ${overKeys(`${scoredKeys(form, [{ name: 's', source: stored('k'), block: 'q' }])}
    ${scored((j) => `let score${j} = select(vec4f(-3.0e38), scoreOf(s${j}), seen${j});`)}
    let top = max(largest, ${exchange.max(ofAll(exchange, 'score', (a, b) => `max(${a}, ${b})`))});
    let shrink = exp(largest - top);
    largest = top;
    ${scored((j) => `var weight${j} = select(vec4f(), exp(score${j} - top), seen${j});`)}
    total = total * shrink + ${exchange.counted(ofAll(exchange, 'weight', (a, b) => `(${a} + ${b})`))};
    ${exchange.addTile(terms, { ...keysOfTile, shrink: 'shrink' })}`)}
  total = totalOf(${exchange.sum('total')});
  let there = min(queries - block.first, 4u);
  let places = outOfSplit(at, block);
  ${exchange.store([{ target: 'out', sum: 'm', value: (sum, m) => `${sum} / total.${m}` }], 'places')}
  if (lane < there) { logSumExp[logSumExpOfSplit(block, block.first + lane)] = largest[lane] + log(total[lane]); }
}`
}

/** dq = Σ_keys P (dout·v − Σ dout·out) ∂score/∂(q·k) k, with P = exp(score − logSumExp). */
export function queryGradientSource(form: AttentionForm): string {
  const { exchange } = form
  const terms = [{ sum: 'm', factor: 'slope', source: plain('k') }]
  return `${frame(form, terms, [...gradientOperands(), written('dq', 'vec4f')])}
  ${queriesOfBlock}
  ${exchange.begin(terms)}
  ${each(4, (m) => `let sums${m} = rowSums[sumsAt(block, members[${m}])];`)}
  let logSumExp = vec4f(sums0.x, sums1.x, sums2.x, sums3.x);
  let delta = vec4f(sums0.y, sums1.y, sums2.y, sums3.y);
  ${overKeys(`${scoredKeys(form, [
    { name: 's', source: plain('k'), block: 'q' },
    { name: 'g', source: plain('v'), block: 'dout' },
  ])}
    ${each(
      exchange.scored,
      (j) =>
        `var slope${j} = select(vec4f(), exp(scoreOf(s${j}) - logSumExp), seen${j}) * (g${j} - delta) * slopeOf(s${j});`,
    )}
    ${exchange.addTile(terms, keysOfTile)}`)}
  let there = min(queries - block.first, 4u);
  ${exchange.store([{ target: 'dq', sum: 'm' }], 'at')}
}`
}

/** dk = Σ_rows P (dout·v − Σ dout·out) ∂score/∂(q·k) q and dv = Σ_rows P dout, over the query heads that share the key. */
export function keyGradientSource(form: AttentionForm): string {
  const { exchange } = form
  const terms = [
    { sum: 'k', factor: 'slope', source: plain('q') },
    { sum: 'v', factor: 'chance', source: plain('dout') },
  ]
  const scored = (line: (j: number) => string) => each(exchange.scored, line)
  return `${frame(form, terms, [...gradientOperands(), written('dk', 'vec4f'), written('dv', 'vec4f')])}
  let queries = queryCount();
  let block = blockAt(index, params.keys, 4u);
  if (block.split >= params.splits) { return; }
  let members = membersOf(block, params.keys);
  let at = keysAt(block, members);
  ${exchange.begin(terms)}
  let rows = rowsSeeing(block.batch, block.first);
  let end = rows.end * (params.heads / params.kvHeads);
  for (var tile = rows.begin * (params.heads / params.kvHeads); tile < end; tile += TILE) {
    ${scored(
      (j) => `let query${j} = ${exchange.place(j)};
    let real${j} = min(query${j}, queries - 1u);
    let theirs${j} = queryAt(block, real${j});`,
    )}
    ${exchange.products([
      { name: 's', source: plain('q'), block: 'k' },
      { name: 'g', source: plain('dout'), block: 'v' },
    ])}
    ${scored(
      (j) => `let sums${j} = rowSums[sumsAt(block, real${j})];
    let seen${j} = sees(sightOfRow(block.batch, rowOf(real${j})), members) & vec4<bool>(query${j} < end);
    var chance${j} = select(vec4f(), exp(scoreOf(s${j}) - sums${j}.x), seen${j});
    var slope${j} = chance${j} * (g${j} - sums${j}.y) * slopeOf(s${j});`,
    )}
    ${exchange.addTile(terms, { end: 'end', at: (query) => `queryAt(block, ${query})` })}
  }
  let there = min(params.keys - block.first, 4u);
  ${exchange.store(
    [
      { target: 'dk', sum: 'k' },
      { target: 'dv', sum: 'v' },
    ],
    'at',
  )}
}`
}

/** Attention to all keys from attention to each split of them. */
export const combineSource = (score: ScoreForm): string =>
  `${sightHead(score)}\n${combine}${score.given ? `@group(0) @binding(3) ${read('visibility', 'u32')};` : ''}`

/** The rows that see a block of keys, for the gradient of these, where visibility is given. */
export const seersSource = (score: ScoreForm): string => `${sightHead(score)}\n${seers}`

const read = (name: string, type = 'vec4f') => `var<storage, read> ${name}: array<${type}>`
export const written = (name: string, type: string): string => `var<storage, read_write> ${name}: array<${type}>`
/** What the forward kernels read and write, with `cached` among what they use. */
export const forwardBindings = (): string[] => [
  read('q'),
  read('k', 'element_k'),
  read('v', 'element_v'),
  written('out', 'vec4f'),
  written('logSumExp', 'f32'),
]
/** Keys and values that may be f16. Halves are taken from words, which needs no `shader-f16`. */
export const cached: KernelPart = elements({ k: 4, v: 4 }, { packed: true })

/** What both gradients read. */
export const gradientOperands = (): string[] => [
  read('q'),
  read('k'),
  read('v'),
  read('dout'),
  read('rowSums', 'vec2f'),
]

const frame = ({ exchange, score }: AttentionForm, terms: readonly Term[], bindings: readonly string[]) =>
  entryPoint(score, bindings, exchange.declarations(terms))

/** All that comes before the body of a kernel, and its first line. */
export const entryPoint = (score: ScoreForm, bindings: readonly string[], declarations: string): string =>
  `${[...bindings, ...(score.given ? [read('visibility', 'u32')] : [])].map((binding, i) => `@group(0) @binding(${i}) ${binding};`).join('\n')}
${sightHead(score)}
${places}
${scoreSource(score)}
${declarations}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = group.x + group.y * groups.x;`

/** The parameters of every kernel of a form, and which keys a row sees. */
const sightHead = (score: ScoreForm) => `struct Params { ${[placeFields, ...scoreFields(score)].join(', ')} }
@group(1) @binding(0) var<uniform> params: Params;
${sightSource(score.given)}`

const placeFields =
  'batch: u32, rows: u32, keys: u32, heads: u32, kvHeads: u32, start: u32, window: u32, splits: u32, span: u32'

/** The four queries of a block: where they are, and which keys they see. */
const queriesOfBlock = `let queries = queryCount();
  let block = blockAt(index, queries, 4u);
  if (block.split >= params.splits) { return; }
  let members = membersOf(block, queries);
  let at = queriesAt(block, members);
  let sight = sightOf(block.batch, rowsOf(members), block.split * params.span, (block.split + 1u) * params.span);`

/** A pass over the tiles of keys that any of the block's queries sees. */
const overKeys = (body: string) => `let end = endOf(sight);
  for (var tile = beginOf(sight) / TILE * TILE; tile < end; tile = tileAfter(sight, tile, TILE)) {
    ${body}
  }`

/** The keys that a lane scores: where they are, their products with the block's queries, and which of these see them. */
const scoredKeys = ({ exchange }: AttentionForm, pairs: readonly Pair[]) => `${each(
  exchange.scored,
  (j) => `let key${j} = ${exchange.place(j)};
    let theirs${j} = keyAt(block, min(key${j}, params.keys - 1u));`,
)}
    ${exchange.products(pairs)}
    ${each(exchange.scored, (j) => `let seen${j} = sees(sight, vec4u(key${j}));`)}`

const keysOfTile = {
  end: 'end',
  at: (key: string) => `keyAt(block, ${key})`,
  step: 'params.kvHeads * VECTORS',
}

/** What the vectors `name`0 … of the places that a lane scores come to, two by two. */
const ofAll = ({ scored }: Exchange, name: string, both: (a: string, b: string) => string) =>
  ofPairs(name, scored, both)

export const ofFour = (name: string, both: (a: string, b: string) => string): string => ofPairs(name, 4, both)

/** What the variables `name`0 … come to, two by two; their count is a power of two. */
export const ofPairs = (name: string, count: number, both: (a: string, b: string) => string): string => {
  let parts = Array.from({ length: count }, (_, i) => `${name}${i}`)
  while (parts.length > 1)
    parts = Array.from({ length: parts.length / 2 }, (_, i) => both(parts[2 * i]!, parts[2 * i + 1]!))
  return parts[0]!
}
