// y = x · scale · (offset + weight) along rows, scale = 1 / √(mean(x²) + ε). (Zhang & Sennrich 2019, arXiv 1910.07467)
//
// x, y: [rows, columns]    weight: [columns]    scale: [rows], for the gradient
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y.

struct Params { rows: u32, columns: u32, epsilon: f32 }

@group(0) @binding(0) var<storage, read> x: array<element_x>;
@group(0) @binding(1) var<storage, read> weight: array<V>;
@group(0) @binding(2) var<storage, read_write> y: array<element_y>;
@group(0) @binding(3) var<storage, read_write> scale: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.columns;
  var squares = V();
  for (var i = lane; i < params.columns; i += LANES) {
    let value = load_x(begin + i);
    squares += value * value;
  }
  let factor = inverseSqrt(rowSum(sumOf(squares), lane) / f32(VECTOR_SIZE * params.columns) + params.epsilon);
  for (var i = lane; i < params.columns; i += LANES) { store_y(begin + i, load_x(begin + i) * factor * gainOf(weight[i])); }
  if (lane == 0u) { scale[row] = factor; }
}
