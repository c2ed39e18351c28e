// y = softmax(x) along rows, or its logarithm: exp(x − max) / Σ exp(x − max).
//
// x, y: [rows, columns]
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y.
// LOG: the logarithm.

struct Params { rows: u32, columns: u32 }

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read_write> y: array<V>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.columns;
  let end = begin + params.columns;
  var most = V(-3.4e38);
  for (var i = begin + lane; i < end; i += LANES) { most = max(most, x[i]); }
  let largest = rowMax(maxOf(most), lane);
  var sums = V();
  for (var i = begin + lane; i < end; i += LANES) { sums += exp(x[i] - largest); }
  let total = rowSum(sumOf(sums), lane);
  if (LOG) {
    let logSumExp = largest + log(total);
    for (var i = begin + lane; i < end; i += LANES) { y[i] = x[i] - logSumExp; }
  } else {
    for (var i = begin + lane; i < end; i += LANES) { y[i] = exp(x[i] - largest) / total; }
  }
}
