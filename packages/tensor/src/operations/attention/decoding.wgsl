// out = softmax(scale · q kᵀ + causal mask) v for a few rows on a GPU, as forward.wgsl but with a whole workgroup at work where
// one subgroup would wait for memory: two lanes a key for the scores, then LANES / VECTORS lanes a vector of the head, each
// with keys of its own (flash-decoding: Dao, Haziza, Massa & Sizov 2023).
//
// Shapes and blocks: places.wgsl. Tiles of KEYS keys begin at multiples of their size, and which lane adds up which key is a
// matter of its place in the tile, so what a row adds up in which order does not depend on the rows beside it.
// LANES = 128; VECTORS ≤ LANES.

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> shift: array<f32>;

const KEYS = LANES / 2u;
const SHARES = LANES / VECTORS;
var<workgroup> halves: array<vec4f, LANES>; // of the scores
var<workgroup> weights: array<vec4f, KEYS>;
var<workgroup> mixed: array<mat4x4f, LANES>; // Σ weight · v, a column for each query, by share and vector

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let queries = queryCount();
  let block = blockAt(group.x + group.y * groups.x, queries);
  if (block.part >= params.parts) { return; }
  let members = membersOf(block, queries);
  let at = queriesAt(block, members);
  let span = spanOf(block.part, startOf(block.batch) + rowsOf(members));
  let begins = span.begins;
  let ends = span.ends;
  let side = lane % 2u;
  let vector = lane % VECTORS;
  let share = lane / VECTORS;
  let step = params.kvHeads * VECTORS;
  var largest = vec4f(-3.0e38);
  var total = vec4f(0.0); // of this lane's keys
  var m0 = vec4f(0.0);
  var m1 = vec4f(0.0);
  var m2 = vec4f(0.0);
  var m3 = vec4f(0.0);
  for (var tile = begins.x / KEYS * KEYS; tile < ends.w; tile += KEYS) {
    let key = tile + lane / 2u;
    let kAt = keyAt(block, min(key, params.keys - 1u));
    var half = vec4f(0.0);
    for (var i = side; i < VECTORS; i += 2u) {
      half += k[kAt + i] * mat4x4f(q[at.x + i], q[at.y + i], q[at.z + i], q[at.w + i]);
    }
    halves[lane] = half;
    workgroupBarrier();
    let seen = (vec4u(key) >= begins) & (vec4u(key) < ends);
    let score = select(vec4f(-3.0e38), (halves[lane - side] + halves[lane - side + 1u]) * params.scale, seen);
    let top = max(largest, rowMax4(score, lane));
    let shrink = exp(largest - top);
    largest = top;
    let weight = select(vec4f(0.0), exp(score - top), seen);
    total *= shrink;
    if (side == 0u) {
      total += weight;
      weights[lane / 2u] = weight;
    }
    workgroupBarrier();
    m0 *= shrink.x;
    m1 *= shrink.y;
    m2 *= shrink.z;
    m3 *= shrink.w;
    let count = select(0u, min(KEYS, ends.w - tile), share < SHARES);
    let vAt = keyAt(block, tile) + vector;
    for (var i = share; i < count; i += SHARES) {
      let weighs = weights[i];
      let value = v[vAt + i * step];
      m0 += weighs.x * value;
      m1 += weighs.y * value;
      m2 += weighs.z * value;
      m3 += weighs.w * value;
    }
  }
  total = rowSum4(total, lane);
  mixed[lane] = mat4x4f(m0, m1, m2, m3);
  workgroupBarrier();
  let there = min(queries - block.first, 4u);
  if (lane < VECTORS) {
    var sum = mixed[lane];
    for (var i = 1u; i < SHARES; i++) { sum += mixed[i * VECTORS + lane]; }
    let mine = outOfPart(at, block) + lane;
    out[mine.x] = sum[0] / total.x;
    if (there > 1u) { out[mine.y] = sum[1] / total.y; }
    if (there > 2u) { out[mine.z] = sum[2] / total.z; }
    if (there > 3u) { out[mine.w] = sum[3] / total.w; }
  }
  if (lane < there) { shift[shiftOfPart(block, block.first + lane)] = largest[lane] + log(total[lane]); }
}
