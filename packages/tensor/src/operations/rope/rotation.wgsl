// (cos, sin) to f32 precision at any angle up to 10⁵ rad: WGSL promises its own only within 2⁻¹¹ and within one turn. Cody and
// Waite's reduction to ±π/4 by three parts of π/2, then the polynomials of Cephes (Moshier).
fn cosineAndSine(angle: f32) -> vec2f {
  let quarter = round(angle * 0.63661977);
  let r = ((angle - quarter * 1.5703125) - quarter * 4.837512969970703125e-4) - quarter * 7.549789948768648e-8;
  let s = r * r;
  let sine = r + r * s * (-1.6666654611e-1 + s * (8.3321608736e-3 - s * 1.9515295891e-4));
  let cosine = 1.0 - 0.5 * s + s * s * (4.166664568298827e-2 + s * (-1.388731625493765e-3 + s * 2.443315711809948e-5));
  switch (i32(quarter) & 3) {
    case 0: { return vec2f(cosine, sine); }
    case 1: { return vec2f(-sine, cosine); }
    case 2: { return vec2f(-cosine, -sine); }
    default: { return vec2f(sine, -cosine); }
  }
}

