// dx = scale · (dy·gain − x · scale² · mean(dy·gain·x)), gain = offset + weight: the gradient of RMSNorm for its input.
//
// x, dy, dx: [rows, columns]    weight: [columns]    scale: [rows]
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y.

struct Params { rows: u32, columns: u32 }

@group(0) @binding(0) var<storage, read> x: array<element_x>;
@group(0) @binding(1) var<storage, read> weight: array<V>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<element_dy>;
@group(0) @binding(4) var<storage, read_write> dx: array<element_dx>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.columns;
  var product = V();
  for (var i = lane; i < params.columns; i += LANES) { product += load_dy(begin + i) * gainOf(weight[i]) * load_x(begin + i); }
  let factor = scale[row];
  let pull = rowSum(sumOf(product), lane) / f32(VECTOR_SIZE * params.columns) * factor * factor;
  for (var i = lane; i < params.columns; i += LANES) {
    store_dx(begin + i, factor * (load_dy(begin + i) * gainOf(weight[i]) - load_x(begin + i) * pull));
  }
}
