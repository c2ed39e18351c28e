// probabilities[row] = 1 at ids[row], 0 elsewhere; NaN where there is no id (0xffffffff).
//
// ids: u32 [rows]    probabilities: [rows, columns]
// One invocation an element; workgroups in a line, folded over x and y.

struct Params { count: u32, columns: u32 }

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read_write> probabilities: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  let id = ids[i / params.columns];
  let bits = select(0u, 0x3f800000u, id == i % params.columns); // of 1
  probabilities[i] = bitcast<f32>(select(bits, 0x7fc00000u, id == 0xffffffffu));
}
