import { differentiable } from '../../autograd/tape'
import type { Tensor } from '../../tensor'
import { keepingNaN } from '../pointwise/nan'
import { applyUnary, applyUnaryGradient } from '../pointwise/unary'

/** cap · tanh(scale · x / cap), in one pass (Gemma 2, arXiv 2408.00118). */
export function softCapped(x: Tensor, scale: number, cap: number): Tensor {
  // tanh is exactly ±1 in f32 where the argument is held.
  const inner = `clamp(x * vec4f(${scale / cap}), vec4f(-15.0), vec4f(15.0))`
  const y = applyUnary(x, 'f32', keepingNaN(`vec4f(${cap}) * tanh(${inner})`, 'x'))
  return differentiable(y, {
    name: 'softCapped',
    inputs: [x],
    gradient: (dy) => [() => softCappedGradient(y, dy, scale, cap)],
  })
}

/** dx of y = `softCapped`(x), from y alone: dy · scale · (1 − (y / cap)²). */
export function softCappedGradient(y: Tensor, dy: Tensor, scale: number, cap: number): Tensor {
  const part = `y * vec4f(${1 / cap})`
  return applyUnaryGradient(`vec4f(${scale}) * (1.0 - ${part} * ${part}) * dy`, y, y, dy)
}
