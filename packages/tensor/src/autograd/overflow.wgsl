// flag = 1 if a number of f16 x is one that rounding made of what f16 cannot hold: the largest, ±65504, or, by a driver's own
// rounding, past it. By its bits, for WGSL promises no test for infinity or NaN.
//
// x: f16 [size], two to a word    flag: u32 [1]
// One invocation four words; workgroups in a line, folded over x and y.

struct Params { size: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> flag: atomic<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (8u * i >= params.size) { return; }
  // What lies behind the last element is of no meaning.
  let first = 8u * i + 2u * vec4u(0u, 1u, 2u, 3u);
  let low = select(vec4u(), x[i] & vec4u(0x7fffu), first < vec4u(params.size));
  let high = select(vec4u(), (x[i] >> vec4u(16u)) & vec4u(0x7fffu), first + 1u < vec4u(params.size));
  if (any(max(low, high) >= vec4u(0x7bffu))) { atomicOr(&flag, 1u); }
}
