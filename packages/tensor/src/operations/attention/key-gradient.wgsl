// dk = scale · Σ_rows P (dout·v − Σ dout·out) q and dv = Σ_rows P dout, with P = exp(scale · q·k − shift), over the query
// heads that share the key.
//
// Shapes and blocks: places.wgsl. A workgroup of LANES invocations has four keys, one in each component of a vec4f; tiles of
// 4 · LANES queries: each lane finds the slopes of four queries, then each takes vectors of the head and adds up the tile's.

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> dout: array<vec4f>;
@group(0) @binding(4) var<storage, read> rowSums: array<vec2f>;
@group(0) @binding(5) var<storage, read_write> dk: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> dv: array<vec4f>;

const TILE = 4u * LANES;
var<workgroup> slopes: array<vec4f, TILE>; // by query of the tile
var<workgroup> probabilities: array<vec4f, TILE>;
var<workgroup> mixedK: array<mat4x4f, VECTORS>; // Σ slope · q, a column for each key; a vector is always the same lane's
var<workgroup> mixedV: array<mat4x4f, VECTORS>; // Σ probability · dout

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let queries = queryCount();
  let block = blockAt(group.x + group.y * groups.x, params.keys);
  if (block.part > 0u) { return; }
  let members = membersOf(block, params.keys);
  let at = keysAt(block, members);
  for (var d = lane; d < VECTORS; d += LANES) {
    mixedK[d] = mat4x4f();
    mixedV[d] = mat4x4f();
  }
  // Queries before and after these see no key of the block.
  let begin = (max(block.first, params.start) - params.start) * (params.heads / params.kvHeads);
  let after = max(block.first + 3u + params.window, params.start) - params.start;
  let end = min(after, params.rows) * (params.heads / params.kvHeads);
  for (var tile = begin; tile < end; tile += TILE) {
    let asking = tile + lane + LANES * vec4u(0u, 1u, 2u, 3u);
    let real = min(asking, vec4u(queries - 1u));
    let qAt = queriesAt(block, real);
    var scores = mat4x4f(); // a column for each of the lane's queries
    var gains = mat4x4f(); // dout · v
    for (var i = 0u; i < VECTORS; i++) {
      let keys = mat4x4f(k[at.x + i], k[at.y + i], k[at.z + i], k[at.w + i]);
      scores[0] += q[qAt.x + i] * keys;
      scores[1] += q[qAt.y + i] * keys;
      scores[2] += q[qAt.z + i] * keys;
      scores[3] += q[qAt.w + i] * keys;
      let values = mat4x4f(v[at.x + i], v[at.y + i], v[at.z + i], v[at.w + i]);
      gains[0] += dout[qAt.x + i] * values;
      gains[1] += dout[qAt.y + i] * values;
      gains[2] += dout[qAt.z + i] * values;
      gains[3] += dout[qAt.w + i] * values;
    }
    workgroupBarrier();
    for (var j = 0u; j < 4u; j++) {
      let sums = rowSums[sumsAt(block, real[j])];
      let position = params.start + rowOf(real[j]);
      let seen = (members <= vec4u(position)) & (members + params.window > vec4u(position));
      let probability = select(vec4f(0.0), exp(scores[j] * params.scale - sums.x), seen);
      probabilities[lane + j * LANES] = probability;
      slopes[lane + j * LANES] = probability * (gains[j] - sums.y) * params.scale;
    }
    workgroupBarrier();
    let count = min(TILE, end - tile);
    for (var d = lane; d < VECTORS; d += LANES) {
      let sumK = mixedK[d];
      var k0 = sumK[0];
      var k1 = sumK[1];
      var k2 = sumK[2];
      var k3 = sumK[3];
      let sumV = mixedV[d];
      var v0 = sumV[0];
      var v1 = sumV[1];
      var v2 = sumV[2];
      var v3 = sumV[3];
      for (var i = 0u; i < count; i++) {
        let valueAt = queryAt(block, tile + i) + d;
        let slope = slopes[i];
        let query = q[valueAt];
        k0 += slope.x * query;
        k1 += slope.y * query;
        k2 += slope.z * query;
        k3 += slope.w * query;
        let probability = probabilities[i];
        let wanted = dout[valueAt];
        v0 += probability.x * wanted;
        v1 += probability.y * wanted;
        v2 += probability.z * wanted;
        v3 += probability.w * wanted;
      }
      mixedK[d] = mat4x4f(k0, k1, k2, k3);
      mixedV[d] = mat4x4f(v0, v1, v2, v3);
    }
  }
  let there = min(params.keys - block.first, 4u);
  for (var d = lane; d < VECTORS; d += LANES) {
    let sumK = mixedK[d];
    let sumV = mixedV[d];
    dk[at.x + d] = sumK[0];
    dv[at.x + d] = sumV[0];
    if (there > 1u) { dk[at.y + d] = sumK[1]; dv[at.y + d] = sumV[1]; }
    if (there > 2u) { dk[at.z + d] = sumK[2]; dv[at.z + d] = sumV[2]; }
    if (there > 3u) { dk[at.w + d] = sumK[3]; dv[at.w + d] = sumV[3]; }
  }
}
