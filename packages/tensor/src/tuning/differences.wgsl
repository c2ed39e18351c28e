// How many elements of two results differ by more than rounding explains, or are no finite number in the second.
//
// a, b: [size]    counts: [4096], one of each invocation
// Invocation i takes the elements i, i + 4096, …

struct Params { size: u32, absolute: f32, relative: f32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> counts: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  var count = 0u;
  for (var i = id.x; i < params.size; i += 4096u) {
    // By its bits: no comparison tells NaN everywhere.
    let finite = (bitcast<u32>(b[i]) & 0x7fffffffu) < 0x7f800000u;
    let near = abs(a[i] - b[i]) <= params.absolute + params.relative * abs(a[i]);
    count += select(1u, 0u, finite && near);
  }
  counts[id.x] = count;
}
