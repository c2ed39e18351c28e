// y[outer, inner] = the sum, or the largest, of x[outer, :, inner]; NaN where one of it is NaN.
//
// x: [outer, length, inner]    y: [outer, inner]
// One invocation an element of y; workgroups in a line, folded over x and y.
// MAX: the largest, not the sum.

struct Params { count: u32, length: u32, inner: u32 }

@group(0) @binding(0) var<storage, read> x: array<element_x>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  let outer = i / params.inner;
  var at = outer * params.length * params.inner + i % params.inner;
  var value = select(0.0, load_x(at), MAX);
  var wrong = false;
  for (var k = 0u; k < params.length; k++) {
    if (MAX) {
      value = max(value, load_x(at));
      wrong = wrong || isNaN(load_x(at));
    } else {
      value += load_x(at);
    }
    at += params.inner;
  }
  y[i] = bitcast<f32>(select(bitcast<u32>(value), 0x7fc00000u, wrong));
}
