import { differentiable } from '../../autograd/tape'
import { OutriderError } from '../../errors'
import { defineKernel, elements, linearWorkgroups } from '../../kernel/index'
import { broadcastShapes, sameShape } from '../../shape'
import type { Tensor } from '../../tensor'
import { broadcastTo } from '../layout/broadcast-to'
import { applied, applying } from './applied'
import binarySource from './binary.wgsl'
import gradientSource from './binary-gradient.wgsl'
import { keepingNaN } from './nan'

/** WGSL over vec4f: the value in a and b; the gradients in a, b and dy. */
export interface BinaryFunction {
  /** Functions that these call. */
  readonly functions?: string
  readonly value: string
  readonly gradientA: string
  readonly gradientB: string
}

const binaryFunctions = {
  add: { value: 'a + b', gradientA: 'dy', gradientB: 'dy' },
  subtract: { value: 'a - b', gradientA: 'dy', gradientB: '-dy' },
  multiply: { value: 'a * b', gradientA: 'dy * b', gradientB: 'dy * a' },
  divide: { value: 'a / b', gradientA: 'dy / b', gradientB: '-dy * a / (b * b)' },
  maximum: {
    value: keepingNaN('max(a, b)', 'a', 'b'),
    gradientA: 'select(vec4f(0.0), dy, a >= b)',
    gradientB: 'select(dy, vec4f(0.0), a >= b)',
  },
  minimum: {
    value: keepingNaN('min(a, b)', 'a', 'b'),
    gradientA: 'select(vec4f(0.0), dy, a <= b)',
    gradientB: 'select(dy, vec4f(0.0), a <= b)',
  },
} satisfies Record<string, BinaryFunction>

const binaryKernel = defineKernel({
  name: 'binary',
  source: binarySource,
  uses: [applied, elements({ a: 4, b: 4, y: 4 }, { packed: true })],
  constants: ['SCALAR'],
})
const gradientKernel = defineKernel({
  name: 'binaryGradient',
  source: gradientSource,
  uses: [applied, elements({ a: 4, b: 4, dy: 4, dx: 4 }, { packed: true })],
  constants: ['SCALAR'],
})

/** a + b, broadcast */
export const add = (a: Tensor, b: Tensor | number): Tensor => binary('add', binaryFunctions.add, a, b)
/** a − b, broadcast */
export const subtract = (a: Tensor, b: Tensor | number): Tensor => binary('subtract', binaryFunctions.subtract, a, b)
/** a · b, element by element, broadcast */
export const multiply = (a: Tensor, b: Tensor | number): Tensor => binary('multiply', binaryFunctions.multiply, a, b)
/** a / b, broadcast */
export const divide = (a: Tensor, b: Tensor | number): Tensor => binary('divide', binaryFunctions.divide, a, b)
/** max(a, b), broadcast; on ties the gradient goes to a */
export const maximum = (a: Tensor, b: Tensor | number): Tensor => binary('maximum', binaryFunctions.maximum, a, b)
/** min(a, b), broadcast; on ties the gradient goes to a */
export const minimum = (a: Tensor, b: Tensor | number): Tensor => binary('minimum', binaryFunctions.minimum, a, b)

/** A function of two tensors, element by element and broadcast, by its WGSL; `name` is the operation's. */
export function binary(name: string, of: BinaryFunction, a: Tensor, b: Tensor | number): Tensor {
  for (const tensor of [a, b])
    if (typeof tensor !== 'number' && tensor.dtype !== 'f32' && tensor.dtype !== 'f16')
      throw new OutriderError('DTYPE_MISMATCH', `${name}: a tensor is ${tensor.dtype}.`, {
        remedy: "cast(x, 'f32') first.",
      })
  if (typeof b !== 'number' && !sameShape(a.shape, b.shape)) {
    const shape = broadcastShapes(name, a.shape, b.shape)
    const stretch = (x: Tensor) => (sameShape(x.shape, shape) ? x : broadcastTo(x, shape))
    return a.device.scope(() => binary(name, of, stretch(a), stretch(b)))
  }
  const { functions = '', value, gradientA, gradientB } = of
  const y = apply(a, b, value, functions)
  const gradient = (expression: string, dy: Tensor) =>
    expression === 'dy' ? dy : applyGradient(a, b, dy, expression, functions)
  if (typeof b === 'number')
    return differentiable(y, { name, inputs: [a], gradient: (dy) => [() => gradient(gradientA, dy)] })
  return differentiable(y, {
    name,
    inputs: [a, b],
    gradient: (dy) => [() => gradient(gradientA, dy), () => gradient(gradientB, dy)],
  })
}

function apply(a: Tensor, b: Tensor | number, expression: string, functions: string): Tensor {
  const run = operands(a, b)
  const dtype = a.dtype === 'f16' && run.bindings.b.dtype === 'f16' ? 'f16' : 'f32'
  const y = a.device.empty(a.shape, dtype)
  a.device.run(binaryKernel, {
    ...run,
    bindings: { ...run.bindings, y },
    forms: [applying('a, b', expression, functions)],
  })
  return y
}

function applyGradient(a: Tensor, b: Tensor | number, dy: Tensor, expression: string, functions: string): Tensor {
  const run = operands(a, b)
  const dx = a.device.empty(a.shape, dy.dtype)
  a.device.run(gradientKernel, {
    ...run,
    bindings: { ...run.bindings, dy, dx },
    forms: [applying('a, b, dy', expression, functions)],
  })
  return dx
}

function operands(a: Tensor, b: Tensor | number) {
  const scalar = typeof b === 'number'
  const count = Math.ceil(a.size / 4)
  return {
    bindings: { a, b: scalar ? a : b },
    params: { count, scalar: scalar ? b : 0 },
    constants: { SCALAR: scalar },
    workgroups: linearWorkgroups(Math.ceil(count / 64)),
  }
}
