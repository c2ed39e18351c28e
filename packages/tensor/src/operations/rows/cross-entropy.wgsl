// loss[row] = ln Σ exp(x) − x[label], and logSumExp[row] = ln Σ exp(x), for the gradient. Rows to ignore have loss 0.
//
// logits: [rows, columns]    labels: u32 [rows]    loss, logSumExp: [rows]
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y.

struct Params { rows: u32, columns: u32, ignore: u32 }

@group(0) @binding(0) var<storage, read> logits: array<V>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> loss: array<f32>;
@group(0) @binding(3) var<storage, read_write> logSumExp: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.columns;
  let end = begin + params.columns;
  var most = V(-3.4e38);
  for (var i = begin + lane; i < end; i += LANES) { most = max(most, logits[i]); }
  let largest = rowMax(maxOf(most), lane);
  var sums = V();
  for (var i = begin + lane; i < end; i += LANES) { sums += exp(logits[i] - largest); }
  let total = rowSum(sumOf(sums), lane);
  if (lane == 0u) {
    let label = labels[row];
    let ignored = label == params.ignore || label >= VECTOR_SIZE * params.columns;
    let place = min(label, VECTOR_SIZE * params.columns - 1u);
    logSumExp[row] = largest + log(total);
    loss[row] = select(largest + log(total) - elementOf(logits[begin + place / VECTOR_SIZE], place), 0.0, ignored);
  }
}
