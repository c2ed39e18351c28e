// partials[first + group] = Σ x² over the group's CHUNK elements: a part of the gradients' global norm.
//
// x: [size]    partials: one element a workgroup of every tensor
// A workgroup of LANES invocations a chunk. Prelude: rowSum.

struct Params { size: u32, first: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let end = min((group.x + 1u) * CHUNK, params.size);
  var total = 0.0;
  for (var i = group.x * CHUNK + lane; i < end; i += LANES) { total += x[i] * x[i]; }
  total = rowSum(total, lane);
  if (lane == 0u) { partials[params.first + group.x] = total; }
}
