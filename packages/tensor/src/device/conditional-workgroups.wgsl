// Workgroups of dispatches that run only where a condition holds: as many as they have, or none.
//
// condition: u32 [1]    counts, workgroups: u32 [count]
// One workgroup.

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> condition: array<u32>;
@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read_write> workgroups: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  for (var i = lane; i < params.count; i += 64u) { workgroups[i] = select(counts[i], 0u, condition[0] == 0u); }
}
