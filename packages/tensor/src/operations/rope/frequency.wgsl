/** Turns a position in 2⁻⁶⁴ turns: high · 2³² + low. */
struct Frequency { high: u32, low: u32 }

/** ⌊a · b / 2³²⌋, by halves. */
fn highProduct(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
}
