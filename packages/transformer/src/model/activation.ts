import { geglu, swiglu, type Tensor } from '@outrider/tensor'
import type { Activation } from '../config/index'

/** activation(gate) · up */
export const gated = (activation: Activation, gate: Tensor, up: Tensor): Tensor =>
  activation === 'silu' ? swiglu(gate, up) : geglu(gate, up)
