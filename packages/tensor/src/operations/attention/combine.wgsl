// out = Σ weight · out of the splits, weight = exp(logSumExp of the split) / Σ exp(logSumExp of all): attention to all keys
// from attention to each split of them (flash-decoding: Dao, Haziza, Massa & Sizov 2023). Of one split it is that split, to the
// bit.
//
// outs: [splits, batch, rows, heads, headDim]    logSumExp: [splits, batch, heads, rows]    out: [batch, rows, heads, headDim]
// One invocation a vector of out, workgroups in a line. Only splits that a row sees have been written. VECTORS: headDim / 4.
// Params: frame.ts. Before it: sight.ts.

@group(0) @binding(0) var<storage, read> outs: array<vec4f>;
@group(0) @binding(1) var<storage, read> logSumExp: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  let count = params.batch * params.rows * params.heads * VECTORS;
  if (i >= count) { return; }
  let head = (i / VECTORS) % params.heads;
  let row = (i / (VECTORS * params.heads)) % params.rows;
  let batch = i / (VECTORS * params.heads * params.rows);
  let sight = sightOfRow(batch, row);
  let first = beginOf(sight) / params.span;
  let after = (endOf(sight) + params.span - 1u) / params.span;
  let place = (batch * params.heads + head) * params.rows + row;
  let step = params.batch * params.heads * params.rows;
  var largest = -3.0e38;
  for (var split = first; split < after; split++) { largest = max(largest, logSumExp[place + split * step]); }
  var total = 0.0;
  var sum = vec4f();
  for (var split = first; split < after; split++) {
    let weight = exp(logSumExp[place + split * step] - largest);
    total += weight;
    sum += weight * outs[i + split * count];
  }
  out[i] = sum / totalOf(vec4f(total)).x;
}
