// Columns by their ids: y[row, i] = x[row, ids[i]] (SPREAD false), or back: y[row, ids[i]] = x[row, i], the others being left.
//
// SPREAD false: x [rows, columns], y [rows, covered]    SPREAD true: x [rows, covered], y [rows, columns]
// ids: u32 [covered]    An id past the columns is passed over.
// One invocation an element of [rows, covered]; workgroups in a line, folded over x and y.

struct Params { count: u32, covered: u32, columns: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  let id = ids[i % params.covered];
  if (id >= params.columns) { return; }
  let at = i / params.covered * params.columns + id;
  if (SPREAD) { y[at] = x[i]; } else { y[i] = x[at]; }
}
