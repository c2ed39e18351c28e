// Numbers that are none, by their bits: WGSL promises nothing of comparisons with NaN, and max(NaN, x) may be x.

fn isNaN(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }

/** Whether x is NaN or +∞. −∞ is the logit of what is left out. */
fn isNoLogit(x: f32) -> bool {
  let bits = bitcast<u32>(x);
  return (bits & 0x7f800000u) == 0x7f800000u && bits != 0xff800000u;
}
