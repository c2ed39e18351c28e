// loss[row] = ln Σ exp(x) − x[label], and shift[row] = ln Σ exp(x), for the gradient. Rows to ignore have loss 0.
//
// logits: [rows, columns]    labels: u32 [rows]    loss, shift: [rows]
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y.
// Prelude: rowSum, rowMax (row-reduction.ts).

struct Params { rows: u32, columns: u32, ignore: u32 }

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> loss: array<f32>;
@group(0) @binding(3) var<storage, read_write> shift: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.columns;
  let end = begin + params.columns;
  var largest = -3.4e38;
  for (var i = begin + lane; i < end; i += LANES) { largest = max(largest, logits[i]); }
  largest = rowMax(largest, lane);
  var total = 0.0;
  for (var i = begin + lane; i < end; i += LANES) { total += exp(logits[i] - largest); }
  total = rowSum(total, lane);
  if (lane == 0u) {
    let label = labels[row];
    let ignored = label == params.ignore || label >= params.columns;
    shift[row] = largest + log(total);
    loss[row] = select(largest + log(total) - logits[begin + min(label, params.columns - 1u)], 0.0, ignored);
  }
}
