// The gradient of a bucket spread over what it holds, each token by its share: ∂(ln Σ exp)/∂z(x) = exp(z(x) − ln Σ exp).
//
// rest: [rows, draftColumns]    draft, ddraft: [rows, k + 1]    dlogits: [rows, draftColumns], padding 0
// One invocation an element.

struct Params { elements: u32, k: u32, columns: u32, draftColumns: u32 }

@group(0) @binding(0) var<storage, read> rest: array<f32>;
@group(0) @binding(1) var<storage, read> draft: array<f32>;
@group(0) @binding(2) var<storage, read> ddraft: array<f32>;
@group(0) @binding(3) var<storage, read_write> dlogits: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = (group.x + group.y * groups.x) * 64u + lane;
  if (index >= params.elements) { return; }
  let bucket = index / params.draftColumns * (params.k + 1u) + params.k;
  let isPadding = index % params.draftColumns >= params.columns;
  let slope = ddraft[bucket] * exp(min(rest[index] - draft[bucket], 0.0));
  dlogits[index] = select(slope, 0.0, isPadding);
}
