// y[row] = the sum, or the largest, of x's row; NaN where one of it is NaN.
//
// x: [rows, columns]    y: [rows]
// A workgroup of LANES invocations a row, each taking every LANES-th column; workgroups in a line, folded over x and y.
// MAX: the largest, not the sum.

struct Params { rows: u32, columns: u32, size: u32 }

@group(0) @binding(0) var<storage, read> x: array<element_x>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.columns;
  let end = min(begin + params.columns, params.size); // the last row may be short
  var value = select(0.0, load_x(begin), MAX);
  var wrong = 0.0;
  for (var i = begin + lane; i < end; i += LANES) {
    if (MAX) {
      value = max(value, load_x(i));
      if (isNaN(load_x(i))) { wrong = 1.0; }
    } else {
      value += load_x(i);
    }
  }
  if (MAX) {
    value = rowMax(value, lane);
    let none = rowMax(wrong, lane) > 0.0;
    value = bitcast<f32>(select(bitcast<u32>(value), 0x7fc00000u, none));
  } else {
    value = rowSum(value, lane);
  }
  if (lane == 0u) { y[row] = value; }
}
