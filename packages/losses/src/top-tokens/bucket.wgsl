// The bucket's logit, ln Σ exp over what is left of a row: the softmax over k tokens and it has their probabilities in the whole.
//
// rest: [rows, draftColumns]; columns past `columns` are padding    draft: [rows, k + 1], of which the last is written
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y.
// A logit that is none (NaN, +∞) leaves NaN.

struct Params { rows: u32, k: u32, columns: u32, draftColumns: u32 }

@group(0) @binding(0) var<storage, read> rest: array<f32>;
@group(0) @binding(1) var<storage, read_write> draft: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.draftColumns;
  var most = -3.0e38;
  var wrong = 0.0;
  for (var i = lane; i < params.columns; i += LANES) {
    most = max(most, rest[begin + i]);
    if (isNoLogit(rest[begin + i])) { wrong = 1.0; }
  }
  let largest = rowMax4(vec4f(most, wrong, 0.0, 0.0), lane);
  var mass = 0.0;
  for (var i = lane; i < params.columns; i += LANES) { mass += exp(rest[begin + i] - largest.x); }
  let whole = rowSum(mass, lane);
  let logit = max(largest.x + log(max(whole, 1.0e-37)), -3.0e38);
  if (lane == 0u) { draft[row * (params.k + 1u) + params.k] = bitcast<f32>(select(bitcast<u32>(logit), 0x7fc00000u, largest.y > 0.0)); }
}
