// (cos, sin) of the angle at a position, to f32 precision at every u32 position. The angle is counted in turns, of which only
// the fraction matters: position · frequency mod 2⁶⁴ for a frequency in 2⁻⁶⁴ turns a position. In whole numbers that is exact
// on every driver, while f32 holds an angle of 10⁵ radians to 4·10⁻³, and WGSL promises its own sine within one turn only, and
// there to 2⁻¹¹. What is left of the nearest quarter turn goes into the polynomials of Cephes (Moshier).
fn cosineAndSine(position: u32, frequency: Frequency) -> vec2f {
  let turn = position * frequency.high + highProduct(position, frequency.low); // in 2⁻³² turns
  let quarter = (turn + 0x20000000u) >> 30u;
  let r = f32(bitcast<i32>(turn - (quarter << 30u))) * 1.4629180792671596e-9; // 2π · 2⁻³², −π/4 to π/4
  let s = r * r;
  let sine = r + r * s * (-1.6666654611e-1 + s * (8.3321608736e-3 - s * 1.9515295891e-4));
  let cosine = 1.0 - 0.5 * s + s * s * (4.166664568298827e-2 + s * (-1.388731625493765e-3 + s * 2.443315711809948e-5));
  switch (quarter) {
    case 0u: { return vec2f(cosine, sine); }
    case 1u: { return vec2f(-sine, cosine); }
    case 2u: { return vec2f(-cosine, -sine); }
    default: { return vec2f(sine, -cosine); }
  }
}
