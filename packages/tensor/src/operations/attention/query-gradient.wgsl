// dq = scale · Σ_keys P (dout·v − Σ dout·out) k, with P = exp(scale · q·k − shift).
//
// Shapes and blocks: places.wgsl. A workgroup of LANES invocations has four queries, one in each component of a vec4f; tiles
// of 4 · LANES keys: each lane finds the slopes of four keys, then each takes vectors of the head and adds up the tile's keys.

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> dout: array<vec4f>;
@group(0) @binding(4) var<storage, read> rowSums: array<vec2f>;
@group(0) @binding(5) var<storage, read_write> dq: array<vec4f>;

const TILE = 4u * LANES;
var<workgroup> slopes: array<vec4f, TILE>; // by key of the tile
var<workgroup> mixed: array<mat4x4f, VECTORS>; // Σ slope · k, a column for each query; a vector is always the same lane's

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let queries = queryCount();
  let block = blockAt(group.x + group.y * groups.x, queries);
  if (block.part > 0u) { return; }
  let members = membersOf(block, queries);
  let at = queriesAt(block, members);
  let rows = rowsOf(members);
  let ends = min(params.start + 1u + rows, vec4u(params.keys));
  let begins = windowBegins(params.start + rows, ends);
  let sums0 = rowSums[sumsAt(block, members.x)];
  let sums1 = rowSums[sumsAt(block, members.y)];
  let sums2 = rowSums[sumsAt(block, members.z)];
  let sums3 = rowSums[sumsAt(block, members.w)];
  let shift = vec4f(sums0.x, sums1.x, sums2.x, sums3.x);
  let delta = vec4f(sums0.y, sums1.y, sums2.y, sums3.y);
  for (var d = lane; d < VECTORS; d += LANES) { mixed[d] = mat4x4f(); }
  for (var tile = begins.x / TILE * TILE; tile < ends.w; tile += TILE) {
    let keys = tile + lane + LANES * vec4u(0u, 1u, 2u, 3u);
    let seen = min(keys, vec4u(params.keys - 1u));
    let kAt = keysAt(block, seen);
    var scores = mat4x4f(); // a column for each of the lane's keys
    var gains = mat4x4f(); // dout · v
    for (var i = 0u; i < VECTORS; i++) {
      let asked = mat4x4f(q[at.x + i], q[at.y + i], q[at.z + i], q[at.w + i]);
      scores[0] += k[kAt.x + i] * asked;
      scores[1] += k[kAt.y + i] * asked;
      scores[2] += k[kAt.z + i] * asked;
      scores[3] += k[kAt.w + i] * asked;
      let wanted = mat4x4f(dout[at.x + i], dout[at.y + i], dout[at.z + i], dout[at.w + i]);
      gains[0] += v[kAt.x + i] * wanted;
      gains[1] += v[kAt.y + i] * wanted;
      gains[2] += v[kAt.z + i] * wanted;
      gains[3] += v[kAt.w + i] * wanted;
    }
    workgroupBarrier();
    for (var j = 0u; j < 4u; j++) {
      let inside = (vec4u(keys[j]) >= begins) & (vec4u(keys[j]) < ends);
      let probability = select(vec4f(0.0), exp(scores[j] * params.scale - shift), inside);
      slopes[lane + j * LANES] = probability * (gains[j] - delta) * params.scale;
    }
    workgroupBarrier();
    let count = min(TILE, ends.w - tile);
    let step = params.kvHeads * VECTORS;
    for (var d = lane; d < VECTORS; d += LANES) {
      let sum = mixed[d];
      var m0 = sum[0];
      var m1 = sum[1];
      var m2 = sum[2];
      var m3 = sum[3];
      var valueAt = keyAt(block, tile) + d;
      for (var key = 0u; key < count; key++) {
        let slope = slopes[key];
        let value = k[valueAt];
        m0 += slope.x * value;
        m1 += slope.y * value;
        m2 += slope.z * value;
        m3 += slope.w * value;
        valueAt += step;
      }
      mixed[d] = mat4x4f(m0, m1, m2, m3);
    }
  }
  let there = min(queries - block.first, 4u);
  for (var d = lane; d < VECTORS; d += LANES) {
    let sum = mixed[d];
    dq[at.x + d] = sum[0];
    if (there > 1u) { dq[at.y + d] = sum[1]; }
    if (there > 2u) { dq[at.z + d] = sum[2]; }
    if (there > 3u) { dq[at.w + d] = sum[3]; }
  }
}
