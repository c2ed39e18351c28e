// The gradients of k tokens a row, put where their ids are.
//
// ids: u32 [rows, k]    ddraft: [rows, k + 1]    dlogits: [rows, draftColumns]
// One invocation a slot.

struct Params { slots: u32, k: u32, columns: u32, draftColumns: u32 }

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read> ddraft: array<f32>;
@group(0) @binding(2) var<storage, read_write> dlogits: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = (group.x + group.y * groups.x) * 64u + lane;
  if (index >= params.slots) { return; }
  let row = index / params.k;
  let id = ids[index];
  if (id < params.columns) { dlogits[row * params.draftColumns + id] = ddraft[row * (params.k + 1u) + index % params.k]; }
}
