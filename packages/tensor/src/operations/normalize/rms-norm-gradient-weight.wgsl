// partial[chunk, column] = Σ over the chunk's rows of dy · x · scale: the gradient of RMSNorm for its weight, in pieces.
//
// x, dy: [rows, columns]    scale: [rows]    partial: [chunks, columns]
// One invocation an element of partial (x: columns, y: chunks of CHUNK rows).

struct Params { rows: u32, columns: u32 }

@group(0) @binding(0) var<storage, read> x: array<element_x>;
@group(0) @binding(1) var<storage, read> scale: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<element_dy>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = id.x;
  if (column >= params.columns) { return; }
  let end = min((id.y + 1u) * CHUNK, params.rows);
  var total = 0.0;
  for (var row = id.y * CHUNK; row < end; row++) {
    let i = row * params.columns + column;
    total += load_dy(i) * load_x(i) * scale[row];
  }
  partials[id.y * params.columns + column] = total;
}
