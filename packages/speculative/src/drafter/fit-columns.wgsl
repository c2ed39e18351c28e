// Copies rows into rows of another length: y[row, x] = x[row, x], 0 beyond the shorter one.
//
// x: [rows, from]    y: [rows, to]
// One invocation an element of y; workgroups in a line, folded over x and y.

struct Params { count: u32, source: u32, columns: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  let row = i / params.columns;
  let column = i % params.columns;
  if (column < params.source) {
    y[i] = x[row * params.source + column];
  } else {
    y[i] = 0.0;
  }
}
