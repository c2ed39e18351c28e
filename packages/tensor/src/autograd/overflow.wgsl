// flag = 1 if a number of f16 x is one that rounding made of what f16 cannot hold: the largest, ±65504, or, by a driver's own
// rounding, past it. By its bits, for WGSL promises no test for infinity or NaN: 0x7bff without the sign, or more.
//
// x: f16 [size], two to a word    flag: u32 [1]
// One invocation VECTORS vectors of four words, 64 apart; workgroups in a line, folded over x and y.

struct Params { size: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> flag: atomic<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let begin = (group.x + group.y * groups.x) * 64u * VECTORS + lane;
  let whole = params.size / 8u;
  var found = vec4u();
  for (var i = begin; i < min(begin + 64u * VECTORS, whole); i += 64u) { found |= overflowed(x[i]); }
  // What lies behind the last element is of no meaning.
  if (begin <= whole && whole < begin + 64u * VECTORS && (whole - begin) % 64u == 0u && params.size % 8u > 0u) {
    let there = vec4u(params.size % 8u) - min(vec4u(0u, 2u, 4u, 6u), vec4u(params.size % 8u));
    let halves = select(select(vec4u(), vec4u(0x8000u), there >= vec4u(1u)), vec4u(0x80008000u), there >= vec4u(2u));
    found |= overflowed(x[whole]) & halves;
  }
  if (any(found != vec4u())) { atomicOr(&flag, 1u); }
}

/** The sign bit of each half that is as large as f16 can be, or larger. No half carries into the next. */
fn overflowed(words: vec4u) -> vec4u {
  return ((words & vec4u(0x7fff7fffu)) + vec4u(0x04010401u)) & vec4u(0x80008000u);
}
