// Fills a tensor with one number, which is given by its bits.
//
// y: [count]
// One invocation an element; workgroups in a line, folded over x and y.

struct Params { count: u32, bits: u32 }

@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i < params.count) { y[i] = params.bits; }
}
