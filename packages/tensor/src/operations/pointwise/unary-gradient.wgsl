// dx = apply(x, y, dy), element by element, four at a time: the gradient of y = f(x).
//
// x, y, dy, dx: [count] of vectors of 4 elements
// One invocation a vector; workgroups in a line, folded over x and y.

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> x: array<element_x>;
@group(0) @binding(1) var<storage, read> y: array<element_y>;
@group(0) @binding(2) var<storage, read> dy: array<element_dy>;
@group(0) @binding(3) var<storage, read_write> dx: array<element_dx>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  store_dx(i, apply(load_x(i), load_y(i), load_dy(i)));
}
