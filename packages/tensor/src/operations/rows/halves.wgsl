// f32 as two halves a word, rounded to nearest and past ±65504 to that, or back (BACK). NaN and ±∞ stay what they are: whoever reads
// the numbers is to find them.
//
// BACK false: x f32 [rows, columns], y u32 [rows, words]    BACK true: x u32 [rows, words], y f32 [rows, columns]
// words = ⌈columns / 2⌉; the half past an odd row is 0.
// One invocation a word; workgroups in a line, folded over x and y.

struct Params { count: u32, words: u32, columns: u32 }

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  let column = i % params.words * 2u;
  let at = i / params.words * params.columns + column;
  let two = column + 1u < params.columns;
  if (BACK) {
    y[at] = whole(x[i] & 0xffffu);
    if (two) { y[at + 1u] = whole(x[i] >> 16u); }
    return;
  }
  var second = 0u;
  if (two) { second = half(x[at + 1u]); }
  y[i] = half(x[at]) | (second << 16u);
}

// In whole numbers, so that every driver rounds alike: to nearest, ties to even.
fn half(bits: u32) -> u32 {
  let sign = (bits >> 16u) & 0x8000u;
  let size = bits & 0x7fffffffu;
  if (size >= 0x7f800000u) { return sign | 0x7c00u | select(0u, 0x200u, size > 0x7f800000u); }
  if (size >= 0x477fe000u) { return sign | 0x7bffu; }
  if (size < 0x38800000u) { return sign | u32(round(bitcast<f32>(size) * 16777216.0)); } // multiples of 2⁻²⁴
  return sign | ((size + 0xfffu + ((size >> 13u) & 1u) - 0x38000000u) >> 13u);
}

fn whole(bits: u32) -> u32 {
  let sign = (bits & 0x8000u) << 16u;
  let size = bits & 0x7fffu;
  if (size >= 0x7c00u) { return sign | 0x7f800000u | ((size & 0x3ffu) << 13u); }
  if (size < 0x400u) { return sign | bitcast<u32>(f32(size) / 16777216.0); }
  return sign | ((size << 13u) + 0x38000000u);
}
