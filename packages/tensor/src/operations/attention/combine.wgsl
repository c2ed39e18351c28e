// out = Σ weight · out of the parts, weight = exp(logSumExp of the part) / Σ exp(logSumExp of all): attention to all keys from
// attention to each part of them (flash-decoding: Dao, Haziza, Massa & Sizov 2023). Of one part it is that part, to the bit.
//
// parts: [parts, batch, rows, heads, headDim]    logSumExp: [parts, batch, heads, rows]    out: [batch, rows, heads, headDim]
// One invocation a vector of out, workgroups in a line. Only parts that a row sees have been written. VECTORS: headDim / 4.
// Params: frame.ts. Before it: sight.ts.

@group(0) @binding(0) var<storage, read> parts: array<vec4f>;
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
  for (var part = first; part < after; part++) { largest = max(largest, logSumExp[place + part * step]); }
  var total = 0.0;
  var sum = vec4f();
  for (var part = first; part < after; part++) {
    let weight = exp(logSumExp[place + part * step] - largest);
    total += weight;
    sum += weight * parts[i + part * count];
  }
  out[i] = sum / totalOf(vec4f(total)).x;
}
