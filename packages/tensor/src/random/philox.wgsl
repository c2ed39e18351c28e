// Philox4x32-10 (Salmon et al. 2011): 128 random bits from a 64-bit key and a counter, without state.
// uniform01 is in [0, 1) with 24 bits: the first word's upper ones.

fn philox_multiply(a: u32, b: u32) -> vec2u { // (low, high) of the 64-bit product
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let low = a0 * b0;
  let middle = a1 * b0 + (low >> 16u);
  let middle2 = a0 * b1 + (middle & 0xffffu);
  return vec2u(a * b, a1 * b1 + (middle >> 16u) + (middle2 >> 16u));
}

fn philox(seed: vec2u, counter: vec2u) -> vec4u {
  var key = seed;
  var x = vec4u(counter, 0u, 0u);
  for (var round = 0u; round < 10u; round++) {
    let first = philox_multiply(0xD2511F53u, x.x);
    let second = philox_multiply(0xCD9E8D57u, x.z);
    x = vec4u(second.y ^ x.y ^ key.x, second.x, first.y ^ x.w ^ key.y, first.x);
    key += vec2u(0x9E3779B9u, 0xBB67AE85u);
  }
  return x;
}

fn uniform01(seed: vec2u, counter: vec2u) -> f32 {
  return f32(philox(seed, counter).x >> 8u) * 5.9604644775390625e-8;
}
