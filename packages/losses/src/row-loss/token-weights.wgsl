// weights(x) = exp(z(x) − max z) over the vocabulary: what a token is drawn from. It needs no normaliser.
//
// logits: [rows, draftColumns]    weights: [rows, columns]; columns past `columns` are padding, which is never drawn
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y.

struct Params { rows: u32, columns: u32, draftColumns: u32 }

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> weights: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let d = row * params.draftColumns;
  var largest = -3.4e38;
  for (var i = lane; i < params.columns; i += LANES) { largest = max(largest, logits[d + i]); }
  largest = rowMax(largest, lane);
  for (var i = lane; i < params.columns; i += LANES) {
    weights[row * params.columns + i] = exp(logits[d + i] - largest);
  }
}
