// y = apply(a, b), element by element, four at a time; b may be one number for all.
//
// a, b, y: [count] of vectors of 4 elements
// One invocation a vector; workgroups in a line, folded over x and y.
// SCALAR: b is params.scalar (the binding b is then not read).

struct Params { count: u32, scalar: f32 }

@group(0) @binding(0) var<storage, read> a: array<element_a>;
@group(0) @binding(1) var<storage, read> b: array<element_b>;
@group(0) @binding(2) var<storage, read_write> y: array<element_y>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  var right = vec4f(params.scalar);
  if (!SCALAR) { right = load_b(i); }
  store_y(i, apply(load_a(i), right));
}
