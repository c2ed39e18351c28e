// The ids at places among those that are covered: y[row] = ids[x[row]]; 2³² − 1, which is no token, past them.
//
// x, y: u32 [rows]    ids: u32 [covered]
// One invocation a row; workgroups in a line, folded over x and y.

struct Params { count: u32, covered: u32 }

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  let place = x[i];
  if (place < params.covered) { y[i] = ids[place]; } else { y[i] = 0xffffffffu; }
}
