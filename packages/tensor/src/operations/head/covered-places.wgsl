// Where ids are among those that are covered: y[row] = i with ids[i] = x[row]; `none` for an id that is not among them.
//
// x, y: u32 [rows]    ids: u32 [covered]
// One invocation a row: neighbours read the same ids, in one go.

struct Params { rows: u32, covered: u32, none: u32 }

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (group.x + group.y * groups.x) * 64u + lane;
  if (row >= params.rows) { return; }
  let id = x[row];
  var place = params.none;
  for (var i = 0u; i < params.covered; i++) { place = select(place, i, ids[i] == id); }
  y[row] = place;
}
