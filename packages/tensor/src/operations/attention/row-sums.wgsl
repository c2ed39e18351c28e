// rowSums = (logSumExp, Σ dout · out) by query row: what both gradients of attention need of it.
//
// dout, out: [batch, rows, heads, headDim]    logSumExp: [batch, heads, rows]    rowSums: vec2f [batch, heads, rows]
// One invocation a row; workgroups in a line, folded over x and y. VECTORS: headDim / 4.

struct Params { count: u32, rows: u32, heads: u32 }

@group(0) @binding(0) var<storage, read> dout: array<vec4f>;
@group(0) @binding(1) var<storage, read> out: array<vec4f>;
@group(0) @binding(2) var<storage, read> logSumExp: array<f32>;
@group(0) @binding(3) var<storage, read_write> rowSums: array<vec2f>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 32u + lane;
  if (i >= params.count) { return; }
  let row = i % params.rows;
  let head = (i / params.rows) % params.heads;
  let batch = i / (params.rows * params.heads);
  let at = ((batch * params.rows + row) * params.heads + head) * VECTORS;
  var sum = vec4f(0.0);
  for (var j = at; j < at + VECTORS; j++) { sum = fma(dout[j], out[j], sum); }
  rowSums[i] = vec2f(logSumExp[i], dot(vec4f(1.0), sum));
}
