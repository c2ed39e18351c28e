import { each } from '../each'

/**
 * WGSL of attention and its gradients where a workgroup is one subgroup of `lanes`: what lanes find out for each other is
 * handed round by subgroupBroadcast, and sums stay in registers, where the other kernels meet in workgroup memory.
 *
 * As there, a workgroup has a block of four queries (or, for the keys' gradient, of four keys), one in each component of a
 * vec4f, and passes over tiles of 4 · lanes of the others: each lane scores four of them, then each takes vectors of the head
 * and adds up the tile. Tiles begin at multiples of their size, so what a row adds up in which order does not depend on the
 * rows beside it. Shapes and blocks: places.wgsl, which comes before.
 */
export interface BroadcastForm {
  lanes: number
  /** Vectors of four in a head. */
  vectors: number
}

const operands = ['q', 'k', 'v'].map((name) => `var<storage, read> ${name}: array<vec4f>`)
const gradientOperands = [
  ...operands,
  'var<storage, read> dout: array<vec4f>',
  'var<storage, read> rowSums: array<vec2f>',
]

const components = ['x', 'y', 'z', 'w']

const start = (lanes: number, bindings: readonly string[]) => `enable subgroups;
${bindings.map((binding, i) => `@group(0) @binding(${i}) ${binding};`).join('\n')}

const TILE = ${4 * lanes}u;

@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = group.x + group.y * groups.x;`

/** The queries of a block: where they are, and which keys they see. */
const queriesOfBlock = (startOf: string) => `let queries = queryCount();
  let block = blockAt(index, queries);
  if (block.part >= params.parts) { return; }
  let members = membersOf(block, queries);
  let at = queriesAt(block, members);
  let span = spanOf(block.part, ${startOf} + rowsOf(members));
  let begins = span.begins;
  let ends = span.ends;`

/** The keys that a lane scores, and where they are. */
const keysOfLane = (lanes: number) => `let keys = tile + lane + ${lanes}u * vec4u(0u, 1u, 2u, 3u);
    let seen = min(keys, vec4u(params.keys - 1u));
    let theirs = keysAt(block, seen);
    ${each(4, (j) => `let in${j} = (vec4u(keys[${j}]) >= begins) & (vec4u(keys[${j}]) < ends);`)}`

/**
 * Products of a lane's four places in `source` with the block's four in `block`, the components of four vectors `name`0 … 3.
 * Each of the first four lanes loads a vector of one of the block's, for all.
 */
const products = (vectors: number, pairs: readonly { name: string; source: string; block: string }[]) => `
    ${pairs.map(({ name }) => each(4, (j) => `var ${name}${j} = vec4f();`)).join('\n    ')}
    for (var i = 0u; i < ${vectors}u; i++) {
      ${pairs
        .map(
          ({ name, source, block }) => `let ${name}Held = ${block}[mine + i];
      let ${name}Block = mat4x4f(${each(4, (m) => `subgroupBroadcast(${name}Held, ${m}u)${m < 3 ? ',' : ''}`)});
      ${each(4, (j) => `${name}${j} += ${source}[theirs[${j}] + i] * ${name}Block;`)}`,
        )
        .join('\n      ')}
    }`

/** How many vectors of a head a lane adds up. */
const owned = ({ lanes, vectors }: BroadcastForm) => Math.ceil(vectors / lanes)

/** Declares sums by the lane's vectors and the block's members. */
const sums = (form: BroadcastForm, names: readonly string[]) =>
  names.map((name) => each(owned(form), (o) => each(4, (m) => `var ${name}${o}_${m} = vec4f();`))).join('\n  ')

/**
 * Adds the tile up: to each sum its factor, which lanes hand round, times the vector at the tile's place. A lane's four
 * factors come by turns into the first, so that the text, and what drivers make of it, is a quarter as long.
 */
const addTile = (
  form: BroadcastForm,
  {
    end,
    place,
    terms,
  }: { end: string; place: string; terms: readonly { sum: string; factor: string; source: string }[] },
) => {
  const { lanes, vectors } = form
  const term = ({ sum, factor, source }: (typeof terms)[number], l: number) => `
        let ${factor} = subgroupBroadcast(${factor}0, ${l}u);
        ${each(
          owned(form),
          (o) => `let ${sum}Value${o} = ${source}[first + min(lane + ${o * lanes}u, ${vectors - 1}u)];
        ${each(4, (m) => `${sum}${o}_${m} += ${factor}.${components[m]} * ${sum}Value${o};`)}`,
        )}`
  return `for (var part = tile; part < min(tile + TILE, ${end}); part += ${lanes}u) {
      ${each(
        lanes,
        (l) => `{
        let first = ${place.replace('#', `min(part + ${l}u, ${end} - 1u)`)};${terms.map((t) => term(t, l)).join('')}
      }`,
      )}
      ${terms.map(({ factor }) => each(3, (j) => `${factor}${j} = ${factor}${j + 1};`)).join('\n      ')}
    }`
}

/** Writes the sums of the members that exist. */
const store = (
  form: BroadcastForm,
  {
    count,
    outputs,
    at = 'at',
  }: {
    count: string
    outputs: readonly { target: string; value: (o: number, m: number) => string }[]
    /** The members' places. */
    at?: string
  },
) => `let there = min(${count} - block.first, 4u);
  ${each(owned(form), (o) => {
    const writes = each(4, (m) => {
      const lines = outputs.map(
        ({ target, value }) => `${target}[${at}.${components[m]} + lane + ${o * form.lanes}u] = ${value(o, m)};`,
      )
      return m === 0 ? lines.join(' ') : `if (there > ${m}u) { ${lines.join(' ')} }`
    })
    return (o + 1) * form.lanes <= form.vectors
      ? writes
      : `if (lane + ${o * form.lanes}u < ${form.vectors}u) { ${writes} }`
  })}`

/** out = softmax(scale · q kᵀ + causal mask) v by one pass over the keys, and shift = ln Σ exp(scores). */
export function forwardSource(form: BroadcastForm): string {
  const { lanes, vectors } = form
  return `${start(lanes, [
    ...operands,
    'var<storage, read_write> out: array<vec4f>',
    'var<storage, read_write> shift: array<f32>',
  ])}
  ${queriesOfBlock('startOf(block.batch)')}
  let mine = at[lane & 3u];
  ${sums(form, ['m'])}
  var largest = vec4f(-3.0e38);
  var total = vec4f(); // of this lane's keys
  for (var tile = begins.x / TILE * TILE; tile < ends.w; tile += TILE) {
    ${keysOfLane(lanes)}
    ${products(vectors, [{ name: 's', source: 'k', block: 'q' }])}
    ${each(4, (j) => `s${j} = select(vec4f(-3.0e38), s${j} * params.scale, in${j});`)}
    let top = max(largest, subgroupMax(max(max(s0, s1), max(s2, s3))));
    let shrink = exp(largest - top);
    largest = top;
    ${each(4, (j) => `var weight${j} = select(vec4f(), exp(s${j} - top), in${j});`)}
    total = total * shrink + ((weight0 + weight1) + (weight2 + weight3));
    ${each(owned(form), (o) => each(4, (m) => `m${o}_${m} *= shrink.${components[m]};`))}
    ${addTile(form, { end: 'ends.w', place: 'keyAt(block, #)', terms: [{ sum: 'm', factor: 'weight', source: 'v' }] })}
  }
  total = subgroupAdd(total);
  let places = outOfPart(at, block);
  ${store(form, { count: 'queries', at: 'places', outputs: [{ target: 'out', value: (o, m) => `m${o}_${m} / total.${components[m]}` }] })}
  if (lane < there) { shift[shiftOfPart(block, block.first + lane)] = largest[lane] + log(total[lane]); }
}`
}

/** dq = scale · Σ_keys P (dout·v − Σ dout·out) k, with P = exp(scale · q·k − shift). */
export function queryGradientSource(form: BroadcastForm): string {
  const { lanes, vectors } = form
  return `${start(lanes, [...gradientOperands, 'var<storage, read_write> dq: array<vec4f>'])}
  ${queriesOfBlock('params.start')}
  let mine = at[lane & 3u];
  ${each(4, (m) => `let sums${m} = rowSums[sumsAt(block, members[${m}])];`)}
  let shift = vec4f(sums0.x, sums1.x, sums2.x, sums3.x);
  let delta = vec4f(sums0.y, sums1.y, sums2.y, sums3.y);
  ${sums(form, ['m'])}
  for (var tile = begins.x / TILE * TILE; tile < ends.w; tile += TILE) {
    ${keysOfLane(lanes)}
    ${products(vectors, [
      { name: 's', source: 'k', block: 'q' },
      { name: 'g', source: 'v', block: 'dout' },
    ])}
    ${each(
      4,
      (j) =>
        `var slope${j} = select(vec4f(), exp(s${j} * params.scale - shift), in${j}) * (g${j} - delta) * params.scale;`,
    )}
    ${addTile(form, { end: 'ends.w', place: 'keyAt(block, #)', terms: [{ sum: 'm', factor: 'slope', source: 'k' }] })}
  }
  ${store(form, { count: 'queries', outputs: [{ target: 'dq', value: (o, m) => `m${o}_${m}` }] })}
}`
}

/** dk = scale · Σ_rows P (dout·v − Σ dout·out) q and dv = Σ_rows P dout, over the query heads that share the key. */
export function keyGradientSource(form: BroadcastForm): string {
  const { lanes, vectors } = form
  return `${start(lanes, [
    ...gradientOperands,
    'var<storage, read_write> dk: array<vec4f>',
    'var<storage, read_write> dv: array<vec4f>',
  ])}
  let queries = queryCount();
  let block = blockAt(index, params.keys);
  if (block.part > 0u) { return; }
  let members = membersOf(block, params.keys);
  let at = keysAt(block, members);
  let mine = at[lane & 3u];
  // Queries before and after these see no key of the block.
  let begin = (max(block.first, params.start) - params.start) * (params.heads / params.kvHeads);
  let after = max(block.first + 3u + params.window, params.start) - params.start;
  let end = min(after, params.rows) * (params.heads / params.kvHeads);
  ${sums(form, ['k', 'v'])}
  for (var tile = begin; tile < end; tile += TILE) {
    let asking = tile + lane + ${lanes}u * vec4u(0u, 1u, 2u, 3u);
    let real = min(asking, vec4u(queries - 1u));
    let theirs = queriesAt(block, real);
    ${products(vectors, [
      { name: 's', source: 'q', block: 'k' },
      { name: 'g', source: 'dout', block: 'v' },
    ])}
    ${each(
      4,
      (j) => `let sums${j} = rowSums[sumsAt(block, real[${j}])];
    let position${j} = params.start + rowOf(real[${j}]);
    let seen${j} = (members <= vec4u(position${j})) & (members + params.window > vec4u(position${j})) & vec4<bool>(asking[${j}] < end);
    var chance${j} = select(vec4f(), exp(s${j} * params.scale - sums${j}.x), seen${j});
    var slope${j} = chance${j} * (g${j} - sums${j}.y) * params.scale;`,
    )}
    ${addTile(form, {
      end: 'end',
      place: 'queryAt(block, #)',
      terms: [
        { sum: 'k', factor: 'slope', source: 'q' },
        { sum: 'v', factor: 'chance', source: 'dout' },
      ],
    })}
  }
  ${store(form, {
    count: 'params.keys',
    outputs: [
      { target: 'dk', value: (o, m) => `k${o}_${m}` },
      { target: 'dv', value: (o, m) => `v${o}_${m}` },
    ],
  })}
}`
}
