// dx = apply(x, y, dy), element by element, four at a time: the gradient of y = f(x).
//
// x, y, dy, dx: [count] of vectors of 4 elements
// One invocation a vector; workgroups in a line, folded over x and y.
// Prelude: X4, unpackX, packX, Y4, unpackY (storage-access.ts), fn apply(x: vec4f, y: vec4f, dy: vec4f) -> vec4f.

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> x: array<X4>;
@group(0) @binding(1) var<storage, read> y: array<Y4>;
@group(0) @binding(2) var<storage, read> dy: array<Y4>;
@group(0) @binding(3) var<storage, read_write> dx: array<X4>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  dx[i] = packX(apply(unpackX(x[i]), unpackY(y[i]), unpackY(dy[i])));
}
