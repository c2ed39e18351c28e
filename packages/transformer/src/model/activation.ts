import { add, multiply, swiglu, type Tensor, tanh } from '@outrider/tensor'
import type { Activation } from '../config/index'

/** activation(gate) · up */
export const gated = (activation: Activation, gate: Tensor, up: Tensor): Tensor =>
  activation === 'silu' ? swiglu(gate, up) : multiply(geluTanh(gate), up)

/** x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))) */
function geluTanh(x: Tensor): Tensor {
  const cube = multiply(multiply(x, x), x)
  const inner = multiply(add(x, multiply(cube, 0.044715)), Math.sqrt(2 / Math.PI))
  return multiply(multiply(x, 0.5), add(tanh(inner), 1))
}
