// partials[first + group] = Σ x² over the group's CHUNK elements: a part of the gradients' global norm.
// faults[tensor] = 1 if an element of x is NaN or infinite: by its bits, as WGSL promises no test for either.
//
// x: [size]    partials: one element a workgroup of every tensor    faults: u32, one of every tensor
// A workgroup of LANES invocations a chunk.

struct Params { size: u32, first: u32, tensor: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> faults: array<atomic<u32>>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let end = min((group.x + 1u) * CHUNK, params.size);
  var total = 0.0;
  var most = 0u;
  for (var i = group.x * CHUNK + lane; i < end; i += LANES) {
    total += x[i] * x[i];
    most = max(most, bitcast<u32>(x[i]) & 0x7fffffffu);
  }
  if (most >= 0x7f800000u) { atomicOr(&faults[params.tensor], 1u); }
  total = rowSum(total, lane);
  if (lane == 0u) { partials[params.first + group.x] = total; }
}
