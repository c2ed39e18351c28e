/**
 * WGSL of attention. The head's vectors are held in variables of their own, one for every four elements, because software
 * drivers keep arrays in memory; so the text is generated for a head dimension.
 *
 * Shapes, for all kernels (vectors of 4 elements in the last axis):
 *   q, out, dout, dq: [batch, rows, heads, headDim]    k, v, dk, dv: [batch, keys, kvHeads, headDim]
 *   shift: [batch, heads, rows], ln Σ exp(scores)      rowSums: the same with (shift, Σ dout · out)
 * Query row t of sequence b sees keys 0 … startOf(b) + t.
 */

const each = (count: number, line: (i: number) => string, separator = '\n  ') =>
  Array.from({ length: count }, (_, i) => line(i)).join(separator)

const load = (vectors: number, name: string, buffer: string, at: string) =>
  each(vectors, (i) => `let ${name}${i} = ${buffer}[${at} + ${i}u];`)

const zero = (vectors: number, name: string) => each(vectors, (i) => `var ${name}${i} = vec4f(0.0);`)

const dot = (vectors: number, a: string, b: string) => each(vectors, (i) => `dot(${a}${i}, ${b}${i})`, ' + ')

const accumulate = (vectors: number, sum: string, factor: string, x: string) =>
  each(vectors, (i) => `${sum}${i} += ${factor} * ${x}${i};`)

const store = (vectors: number, buffer: string, at: string, name: string) =>
  each(vectors, (i) => `${buffer}[${at} + ${i}u] = ${name}${i};`)

const params = `struct Params { batch: u32, rows: u32, keys: u32, heads: u32, kvHeads: u32, start: u32, scale: f32 }
@group(1) @binding(0) var<uniform> params: Params;`

/** One invocation a query row: i runs over [batch, heads, rows], rows fastest. */
const queryRow = `let i = (group.x + group.y * groups.x) * 32u + lane;
  if (i >= params.batch * params.heads * params.rows) { return; }
  let row = i % params.rows;
  let head = (i / params.rows) % params.heads;
  let batch = i / (params.rows * params.heads);
  let kvHead = head / (params.heads / params.kvHeads);`

const entry = `@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {`

/**
 * out = softmax(scale · q kᵀ + causal mask) v by one pass over the keys (online softmax: Milakov & Gimelshein 2018,
 * arXiv 1805.02867; Dao et al. 2022, arXiv 2205.14135). A row meets its keys in order, alone: its result does not depend on
 * the rows beside it.
 */
export const forwardSource = (vectors: number) => `
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> shift: array<f32>;
${params}
${entry}
  ${queryRow}
  let at = ((batch * params.rows + row) * params.heads + head) * ${vectors}u;
  ${load(vectors, 'q', 'q', 'at')}
  ${zero(vectors, 'o')}
  var largest = -3.0e38;
  var total = 0.0;
  let end = min(startOf(batch) + row + 1u, params.keys);
  for (var key = 0u; key < end; key++) {
    let kv = ((batch * params.keys + key) * params.kvHeads + kvHead) * ${vectors}u;
    ${load(vectors, 'k', 'k', 'kv')}
    let score = (${dot(vectors, 'q', 'k')}) * params.scale;
    if (score > largest) {
      let shrink = exp(largest - score);
      total *= shrink;
      ${each(vectors, (i) => `o${i} *= shrink;`)}
      largest = score;
    }
    let weight = exp(score - largest);
    total += weight;
    ${load(vectors, 'v', 'v', 'kv')}
    ${accumulate(vectors, 'o', 'weight', 'v')}
  }
  ${each(vectors, (i) => `o${i} /= total;`)}
  ${store(vectors, 'out', 'at', 'o')}
  shift[i] = largest + log(total);
}`

/** rowSums = (shift, Σ dout · out) by query row: what both gradients need of it. */
export const rowSumsSource = (vectors: number) => `
@group(0) @binding(0) var<storage, read> dout: array<vec4f>;
@group(0) @binding(1) var<storage, read> out: array<vec4f>;
@group(0) @binding(2) var<storage, read> shift: array<f32>;
@group(0) @binding(3) var<storage, read_write> rowSums: array<vec2f>;
${params}
${entry}
  ${queryRow}
  let at = ((batch * params.rows + row) * params.heads + head) * ${vectors}u;
  ${load(vectors, 'a', 'dout', 'at')}
  ${load(vectors, 'b', 'out', 'at')}
  rowSums[i] = vec2f(shift[i], ${dot(vectors, 'a', 'b')});
}`

/** dq = scale · Σ_keys P (dout·v − Σ dout·out) k with P = exp(score − shift), by query row. */
export const queryGradientSource = (vectors: number) => `
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> dout: array<vec4f>;
@group(0) @binding(4) var<storage, read> rowSums: array<vec2f>;
@group(0) @binding(5) var<storage, read_write> dq: array<vec4f>;
${params}
${entry}
  ${queryRow}
  let at = ((batch * params.rows + row) * params.heads + head) * ${vectors}u;
  ${load(vectors, 'q', 'q', 'at')}
  ${load(vectors, 'g', 'dout', 'at')}
  ${zero(vectors, 'd')}
  let sums = rowSums[i];
  let end = min(params.start + row + 1u, params.keys);
  for (var key = 0u; key < end; key++) {
    let kv = ((batch * params.keys + key) * params.kvHeads + kvHead) * ${vectors}u;
    ${load(vectors, 'k', 'k', 'kv')}
    ${load(vectors, 'v', 'v', 'kv')}
    let probability = exp((${dot(vectors, 'q', 'k')}) * params.scale - sums.x);
    let slope = probability * (${dot(vectors, 'g', 'v')} - sums.y) * params.scale;
    ${accumulate(vectors, 'd', 'slope', 'k')}
  }
  ${store(vectors, 'dq', 'at', 'd')}
}`

/**
 * dk = scale · Σ_rows P (dout·v − Σ dout·out) q and dv = Σ_rows P dout, by key, over the query heads that share it, in order.
 * One invocation a key: i runs over [batch, kvHeads, keys], keys fastest.
 */
export const keyGradientSource = (vectors: number) => `
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> dout: array<vec4f>;
@group(0) @binding(4) var<storage, read> rowSums: array<vec2f>;
@group(0) @binding(5) var<storage, read_write> dk: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> dv: array<vec4f>;
${params}
${entry}
  let i = (group.x + group.y * groups.x) * 32u + lane;
  if (i >= params.batch * params.kvHeads * params.keys) { return; }
  let key = i % params.keys;
  let kvHead = (i / params.keys) % params.kvHeads;
  let batch = i / (params.keys * params.kvHeads);
  let shared_by = params.heads / params.kvHeads;
  let kv = ((batch * params.keys + key) * params.kvHeads + kvHead) * ${vectors}u;
  ${load(vectors, 'k', 'k', 'kv')}
  ${load(vectors, 'v', 'v', 'kv')}
  ${zero(vectors, 'dk')}
  ${zero(vectors, 'dv')}
  let first = select(0u, key - params.start, key > params.start);
  for (var head = kvHead * shared_by; head < (kvHead + 1u) * shared_by; head++) {
    for (var row = first; row < params.rows; row++) {
      let at = ((batch * params.rows + row) * params.heads + head) * ${vectors}u;
      let sums = rowSums[(batch * params.heads + head) * params.rows + row];
      ${load(vectors, 'q', 'q', 'at')}
      ${load(vectors, 'g', 'dout', 'at')}
      let probability = exp((${dot(vectors, 'q', 'k')}) * params.scale - sums.x);
      let slope = probability * (${dot(vectors, 'g', 'v')} - sums.y) * params.scale;
      ${accumulate(vectors, 'dk', 'slope', 'q')}
      ${accumulate(vectors, 'dv', 'probability', 'g')}
    }
  }
  ${store(vectors, 'dk', 'kv', 'dk')}
  ${store(vectors, 'dv', 'kv', 'dv')}
}`
