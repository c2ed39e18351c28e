// dx = dy where x equals the largest of its group, 0 elsewhere; NaN where the largest is NaN.
//
// x, largest, dy, dx: [count] of vectors of 4 elements
// One invocation a vector; workgroups in a line, folded over x and y.

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> largest: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  dx[i] = select(select(vec4f(0.0), dy[i], x[i] == largest[i]), largest[i], isNaN4(largest[i]));
}
