// The gradient of y = softmax(x): dx = y · (dy − Σ dy·y); of y = log softmax(x): dx = dy − exp(y) · Σ dy.
//
// y, dy, dx: [rows, columns]
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y.
// LOG: of the logarithm.

struct Params { rows: u32, columns: u32 }

@group(0) @binding(0) var<storage, read> y: array<V>;
@group(0) @binding(1) var<storage, read> dy: array<V>;
@group(0) @binding(2) var<storage, read_write> dx: array<V>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.columns;
  let end = begin + params.columns;
  var sums = V();
  for (var i = begin + lane; i < end; i += LANES) {
    if (LOG) { sums += dy[i]; } else { sums += dy[i] * y[i]; }
  }
  let total = rowSum(sumOf(sums), lane);
  for (var i = begin + lane; i < end; i += LANES) {
    if (LOG) { dx[i] = dy[i] - exp(y[i]) * total; } else { dx[i] = y[i] * (dy[i] - total); }
  }
}
