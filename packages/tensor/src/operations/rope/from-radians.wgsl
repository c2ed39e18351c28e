// Frequencies in 2⁻⁶⁴ turns of frequencies in f32 radians: of ±m · 2^(e − 150), m of 24 bits, m · (2⁶⁶/2π) · 2^(e − 152). Of
// a turn at most that is right to 2 · 2⁻⁶⁴.
//
// radians: the bits of f32 [count]    frequencies: [count]
// One invocation a frequency. With frequency.wgsl.

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> radians: array<u32>;
@group(0) @binding(1) var<storage, read_write> frequencies: array<Frequency>;
@group(1) @binding(0) var<uniform> params: Params;

// 2⁶⁶/2π = 0xa2f9836e4e441529
const HIGH = 0xa2f9836eu;
const LOW = 0x4e441529u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= params.count) { return; }
  let exponent = (radians[i] >> 23u) & 0xffu;
  let m = (radians[i] & 0x7fffffu) | select(0u, 0x800000u, exponent > 0u);
  let middle = m * HIGH + highProduct(m, LOW);
  let carry = u32(middle < m * HIGH);
  // The product from its lowest word on, and zeros.
  let words = array<u32, 8>(m * LOW, middle, highProduct(m, HIGH) + carry, 0u, 0u, 0u, 0u, 0u);
  let first = 152u - clamp(exponent, 1u, 152u);
  let magnitude = Frequency(bitsAt(words, first + 32u), bitsAt(words, first));
  let negated = Frequency(~magnitude.high + u32(magnitude.low == 0u), ~magnitude.low + 1u);
  let isNegative = (radians[i] >> 31u) == 1u;
  frequencies[i] = Frequency(
    select(magnitude.high, negated.high, isNegative),
    select(magnitude.low, negated.low, isNegative),
  );
}

/** 32 bits from a bit on. */
fn bitsAt(words: array<u32, 8>, bit: u32) -> u32 {
  var held = words; // only a variable can be indexed by what is computed
  let word = bit / 32u;
  let shift = bit % 32u;
  return select((held[word] >> shift) | (held[word + 1u] << ((32u - shift) % 32u)), held[word], shift == 0u);
}
