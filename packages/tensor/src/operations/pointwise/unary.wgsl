// y = apply(x), element by element, four at a time.
//
// x: [count] of vectors of 4 elements    y: the same
// One invocation a vector; workgroups in a line, folded over x and y.

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> x: array<element_x>;
@group(0) @binding(1) var<storage, read_write> y: array<element_y>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  store_y(i, apply(load_x(i)));
}
