// scales = 1 / √(mean(x²) + ε) along rows.
//
// x: [rows, columns]    scales: [rows]
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y.

struct Params { rows: u32, columns: u32, epsilon: f32 }

@group(0) @binding(0) var<storage, read> x: array<element_x>;
@group(0) @binding(1) var<storage, read_write> scales: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.columns;
  var squares = vec4f();
  for (var i = lane; i < params.columns; i += LANES) {
    let value = load_x(begin + i);
    squares += value * value;
  }
  let mean = rowSum(dot(squares, vec4f(1.0)), lane) / f32(4u * params.columns);
  if (lane == 0u) { scales[row] = inverseSqrt(mean + params.epsilon); }
}
