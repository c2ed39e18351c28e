// out = softmax(scale · q kᵀ + causal mask) v by one pass over the keys (online softmax: Milakov & Gimelshein 2018,
// arXiv 1805.02867; Dao et al. 2022, arXiv 2205.14135). shift = ln Σ exp(scores), for the gradients.
//
// Shapes and blocks: places.wgsl. A workgroup of LANES invocations has four queries, one in each component of a vec4f; tiles
// of 4 · LANES keys: each lane scores four keys, then each takes vectors of the head and adds up the tile's values. Tiles
// begin at multiples of their size, so what a row adds up in which order does not depend on the rows beside it.

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> shift: array<f32>;

const TILE = 4u * LANES;
var<workgroup> weights: array<vec4f, TILE>; // by key of the tile
var<workgroup> mixed: array<mat4x4f, VECTORS>; // Σ weight · v, a column for each query; a vector is always the same lane's

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
  for (var d = lane; d < VECTORS; d += LANES) { mixed[d] = mat4x4f(); }
  var largest = vec4f(-3.0e38);
  var total = vec4f(0.0); // of this lane's keys
  for (var tile = begins.x / TILE * TILE; tile < ends.w; tile += TILE) {
    let keys = tile + lane + LANES * vec4u(0u, 1u, 2u, 3u);
    let seen = min(keys, vec4u(params.keys - 1u));
    let kAt = keysAt(block, seen);
    var scores = mat4x4f(); // a column for each of the lane's keys
    for (var i = 0u; i < VECTORS; i++) {
      let asked = mat4x4f(q[at.x + i], q[at.y + i], q[at.z + i], q[at.w + i]);
      scores[0] += k[kAt.x + i] * asked;
      scores[1] += k[kAt.y + i] * asked;
      scores[2] += k[kAt.z + i] * asked;
      scores[3] += k[kAt.w + i] * asked;
    }
    let in0 = (vec4u(keys.x) >= begins) & (vec4u(keys.x) < ends);
    let in1 = (vec4u(keys.y) >= begins) & (vec4u(keys.y) < ends);
    let in2 = (vec4u(keys.z) >= begins) & (vec4u(keys.z) < ends);
    let in3 = (vec4u(keys.w) >= begins) & (vec4u(keys.w) < ends);
    let s0 = select(vec4f(-3.0e38), scores[0] * params.scale, in0);
    let s1 = select(vec4f(-3.0e38), scores[1] * params.scale, in1);
    let s2 = select(vec4f(-3.0e38), scores[2] * params.scale, in2);
    let s3 = select(vec4f(-3.0e38), scores[3] * params.scale, in3);
    let top = max(largest, rowMax4(max(max(s0, s1), max(s2, s3)), lane));
    let shrink = exp(largest - top);
    largest = top;
    let w0 = select(vec4f(0.0), exp(s0 - top), in0);
    let w1 = select(vec4f(0.0), exp(s1 - top), in1);
    let w2 = select(vec4f(0.0), exp(s2 - top), in2);
    let w3 = select(vec4f(0.0), exp(s3 - top), in3);
    total = total * shrink + ((w0 + w1) + (w2 + w3));
    workgroupBarrier();
    weights[lane] = w0;
    weights[lane + LANES] = w1;
    weights[lane + 2u * LANES] = w2;
    weights[lane + 3u * LANES] = w3;
    workgroupBarrier();
    let count = min(TILE, ends.w - tile);
    let vStep = params.kvHeads * VECTORS;
    for (var d = lane; d < VECTORS; d += LANES) {
      var sum = mixed[d];
      var m0 = sum[0] * shrink.x;
      var m1 = sum[1] * shrink.y;
      var m2 = sum[2] * shrink.z;
      var m3 = sum[3] * shrink.w;
      var vAt = keyAt(block, tile) + d;
      for (var key = 0u; key < count; key++) {
        let weight = weights[key];
        let value = v[vAt];
        m0 += weight.x * value;
        m1 += weight.y * value;
        m2 += weight.z * value;
        m3 += weight.w * value;
        vAt += vStep;
      }
      mixed[d] = mat4x4f(m0, m1, m2, m3);
    }
  }
  total = rowSum4(total, lane);
  let there = min(queries - block.first, 4u);
  let mine = outOfPart(at, block);
  for (var d = lane; d < VECTORS; d += LANES) {
    let sum = mixed[d];
    out[mine.x + d] = sum[0] / total.x;
    if (there > 1u) { out[mine.y + d] = sum[1] / total.y; }
    if (there > 2u) { out[mine.z + d] = sum[2] / total.z; }
    if (there > 3u) { out[mine.w + d] = sum[3] / total.w; }
  }
  if (lane < there) { shift[shiftOfPart(block, block.first + lane)] = largest[lane] + log(total[lane]); }
}
