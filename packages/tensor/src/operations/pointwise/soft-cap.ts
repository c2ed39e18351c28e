import { differentiable } from '../../autograd/tape'
import type { KernelPart } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import { keepingNaN, nan } from './nan'
import { applyUnary, applyUnaryGradient } from './unary'

/**
 * Soft-caps (Gemma 2, arXiv 2408.00118), of four numbers:
 *
 * - `capped(x, scale, cap) -> vec4f`: cap · tanh(scale · x / cap)
 * - `cappedSlope(x, scale, cap) -> vec4f`: its derivative
 *
 * By e^(−2|z|), which neither overflows nor cancels, as 1 − tanh² does near the cap, and by the series where 1 − e^(−2|z|) would:
 * the tanh of drivers has four digits there.
 */
export const softCap: KernelPart = {
  name: 'softCap',
  provides: ['capped', 'cappedSlope'],
  uses: [nan],
  text: `fn capped(x: vec4f, scale: f32, cap: f32) -> vec4f {
  let z = x * scale / cap;
  let e = exp(-2.0 * abs(z));
  let far = (1.0 - e) / (1.0 + e);
  let square = z * z;
  let near = z * (1.0 + square * (-1.0 / 3.0 + square * (2.0 / 15.0 - square * (17.0 / 315.0))));
  let tanh_z = select(select(-far, far, z > vec4f(0.0)), near, abs(z) < vec4f(0.2));
  return ${keepingNaN('cap * tanh_z', 'x')};
}
fn cappedSlope(x: vec4f, scale: f32, cap: f32) -> vec4f {
  let e = exp(-2.0 * abs(x * scale / cap));
  return ${keepingNaN('scale * 4.0 * e / ((1.0 + e) * (1.0 + e))', 'x')};
}`,
}

/** cap · tanh(scale · x / cap), in one pass (Gemma 2, arXiv 2408.00118). */
export function softCapped(x: Tensor, scale: number, cap: number): Tensor {
  const y = applyUnary(x, 'f32', `capped(x, f32(${scale}), f32(${cap}))`, softCap.text)
  return differentiable(y, {
    name: 'softCapped',
    inputs: [x],
    gradient: (dy) => [() => softCappedGradient(y, dy, scale, cap)],
  })
}

/** dx of y = `softCapped`(x), from y alone: dy · scale · (1 − (y / cap)²), not below 0 where y / cap rounds to more than 1. */
export function softCappedGradient(y: Tensor, dy: Tensor, scale: number, cap: number): Tensor {
  const part = `y * vec4f(${1 / cap})`
  const slope = `select(1.0 - ${part} * ${part}, vec4f(), ${part} * ${part} > vec4f(1.0))`
  return applyUnaryGradient(`vec4f(${scale}) * ${slope} * dy`, y, y, dy)
}
