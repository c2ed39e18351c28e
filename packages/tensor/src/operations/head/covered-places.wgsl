// Where ids are among those that are covered: y[row] = i with ids[i] = x[row]; a row whose id is not among them is left.
//
// x, y: u32 [rows]    ids: u32 [covered]
// One invocation an element of [rows, covered]; workgroups in a line, folded over x and y.

struct Params { count: u32, covered: u32 }

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  let row = i / params.covered;
  if (ids[i % params.covered] == x[row]) { y[row] = i % params.covered; }
}
