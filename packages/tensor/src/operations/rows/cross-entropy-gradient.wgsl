// dlogits[row, i] = dloss[row] · (softmax(logits)[i] − 1{i = label}); 0 in rows to ignore.
//
// logits, dlogits: [rows, columns]    labels: u32 [rows]    logSumExp, dloss: [rows]
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y.

struct Params { rows: u32, columns: u32, ignore: u32 }

@group(0) @binding(0) var<storage, read> logits: array<V>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> logSumExp: array<f32>;
@group(0) @binding(3) var<storage, read> dloss: array<f32>;
@group(0) @binding(4) var<storage, read_write> dlogits: array<V>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.columns;
  let label = labels[row];
  let total = logSumExp[row];
  let weight = select(dloss[row], 0.0, label == params.ignore || label >= VECTOR_SIZE * params.columns);
  for (var i = lane; i < params.columns; i += LANES) {
    dlogits[begin + i] = weight * (exp(logits[begin + i] - total) - isAt(i, label));
  }
}
