// The logits of k tokens a row, taken out of the row: what is left are those that one bucket holds.
//
// draft_logits: [rows, draftColumns]    ids: u32 [rows, k]    log_probabilities: [rows, k]    log_rest: [rows]
// rest: [rows, draftColumns], a copy of draft_logits; what is taken out becomes the mask
// draft, target: [rows, k + 1]; of slots without a token the mask; the target's bucket. The draft's is made of `rest` afterwards.
// One invocation a slot, the buckets' among them.

struct Params { slots: u32, k: u32, columns: u32, draftColumns: u32 }

@group(0) @binding(0) var<storage, read> draft_logits: array<f32>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> log_probabilities: array<f32>;
@group(0) @binding(3) var<storage, read> log_rest: array<f32>;
@group(0) @binding(4) var<storage, read_write> rest: array<f32>;
@group(0) @binding(5) var<storage, read_write> draft: array<f32>;
@group(0) @binding(6) var<storage, read_write> target_logits: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = (group.x + group.y * groups.x) * 64u + lane;
  if (index >= params.slots) { return; }
  let row = index / (params.k + 1u);
  let slot = index % (params.k + 1u);
  if (slot == params.k) {
    target_logits[index] = log_rest[row];
    return;
  }
  let id = ids[row * params.k + slot];
  if (id >= params.columns) {
    draft[index] = -3.0e38;
    target_logits[index] = -3.0e38;
    return;
  }
  draft[index] = draft_logits[row * params.draftColumns + id];
  target_logits[index] = log_probabilities[row * params.k + slot];
  rest[row * params.draftColumns + id] = -3.0e38;
}
