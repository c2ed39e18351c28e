import { differentiable } from '../../autograd/tape'
import type { DType } from '../../dtype'
import { OutriderError } from '../../errors'
import { defineKernel, elements, linearWorkgroups } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import { applied, applying } from './applied'
import { keepingNaN } from './nan'
import unarySource from './unary.wgsl'
import gradientSource from './unary-gradient.wgsl'

/** WGSL over vec4f: the value in x; the gradient in x, y (the value) and dy. */
interface UnaryFunction {
  readonly value: string
  readonly gradient: string
}

// exp overflows past 88: arguments are held where the result is already exact in f32.
const unaryFunctions = {
  negate: { value: '-x', gradient: '-dy' },
  exp: { value: 'exp(x)', gradient: 'dy * y' },
  log: { value: keepingNaN('select(log(x), noNumber4(x), x < vec4f(0.0))', 'x'), gradient: 'dy / x' },
  sqrt: { value: 'sqrt(x)', gradient: '0.5 * dy / y' },
  square: { value: 'x * x', gradient: '2.0 * x * dy' },
  abs: { value: 'abs(x)', gradient: 'sign(x) * dy' },
  sigmoid: { value: keepingNaN('1.0 / (1.0 + exp(-max(x, vec4f(-80.0))))', 'x'), gradient: 'y * (1.0 - y) * dy' },
  tanh: { value: keepingNaN('tanh(clamp(x, vec4f(-15.0), vec4f(15.0)))', 'x'), gradient: '(1.0 - y * y) * dy' },
  relu: { value: keepingNaN('max(x, vec4f(0.0))', 'x'), gradient: 'select(vec4f(0.0), dy, x > vec4f(0.0))' },
  silu: {
    value: 'x / (1.0 + exp(-max(x, vec4f(-80.0))))',
    gradient: 'dy * silu_slope(x)',
  },
} satisfies Record<string, UnaryFunction>

const siluSlope = `fn silu_slope(x: vec4f) -> vec4f {
  let s = 1.0 / (1.0 + exp(-max(x, vec4f(-80.0))));
  return s * (1.0 + x * (1.0 - s));
}`

const unaryKernel = defineKernel({
  name: 'unary',
  source: unarySource,
  uses: [applied, elements({ x: 4, y: 4 }, { packed: true })],
})
const gradientKernel = defineKernel({
  name: 'unaryGradient',
  source: gradientSource,
  uses: [applied, elements({ x: 4, y: 4, dy: 4, dx: 4 }, { packed: true })],
})

/** −x */
export const negate = (x: Tensor): Tensor => unary('negate', x)
/** eˣ */
export const exp = (x: Tensor): Tensor => unary('exp', x)
/** ln x; NaN below 0 */
export const log = (x: Tensor): Tensor => unary('log', x)
/** √x */
export const sqrt = (x: Tensor): Tensor => unary('sqrt', x)
/** x² */
export const square = (x: Tensor): Tensor => unary('square', x)
/** |x|, with gradient 0 at 0 */
export const abs = (x: Tensor): Tensor => unary('abs', x)
/** 1 / (1 + e⁻ˣ) */
export const sigmoid = (x: Tensor): Tensor => unary('sigmoid', x)
/** x · sigmoid(x) */
export const silu = (x: Tensor): Tensor => unary('silu', x)
/** tanh x */
export const tanh = (x: Tensor): Tensor => unary('tanh', x)
/** max(x, 0), with gradient 0 at 0 */
export const relu = (x: Tensor): Tensor => unary('relu', x)

function unary(name: keyof typeof unaryFunctions, x: Tensor): Tensor {
  if (x.dtype !== 'f32' && x.dtype !== 'f16')
    throw new OutriderError('DTYPE_MISMATCH', `${name}: the tensor is ${x.dtype}.`, { remedy: "cast(x, 'f32') first." })
  const { value, gradient } = unaryFunctions[name]
  const y = applyUnary(x, x.dtype, value)
  return differentiable(y, { name, inputs: [x], gradient: (dy) => [() => applyUnaryGradient(gradient, x, y, dy)] })
}

/**
 * y = expression of x, in any element dtypes.
 *
 * @param functions  WGSL of what the expression calls
 */
export function applyUnary(x: Tensor, dtype: DType, expression: string, functions?: string): Tensor {
  const y = x.device.empty(x.shape, dtype)
  const count = Math.ceil(x.size / 4)
  x.device.run(unaryKernel, {
    bindings: { x, y },
    params: { count },
    forms: [applying('x', expression, functions)],
    workgroups: linearWorkgroups(Math.ceil(count / 64)),
  })
  return y
}

/** dx = expression of x, y and dy. */
export function applyUnaryGradient(expression: string, x: Tensor, y: Tensor, dy: Tensor): Tensor {
  const dx = x.device.empty(x.shape, x.dtype)
  const count = Math.ceil(x.size / 4)
  x.device.run(gradientKernel, {
    bindings: { x, y, dy, dx },
    params: { count },
    forms: [applying('x, y, dy', expression, siluSlope)],
    workgroups: linearWorkgroups(Math.ceil(count / 64)),
  })
  return dx
}
