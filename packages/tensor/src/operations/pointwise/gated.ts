import type { Tensor } from '../../tensor'
import { type BinaryFunction, binary } from './binary'
import { keepingNaN } from './nan'

/** A gated linear unit, activation(a) · b: for training as a function of two, for inference as the end of a linear layer. */
interface GatedUnit extends BinaryFunction {
  /** Of the operation. */
  readonly name: string
  /** WGSL of `fn activation(x: f32) -> f32`, for `linear`. */
  readonly activation: string
}

const sigmoidOfA = '(1.0 / (1.0 + exp(-max(a, vec4f(-80.0)))))'

/**
 * What GELU multiplies x by: (1 + tanh u) / 2 = σ(2u), u = √(2/π) (x + 0.044715 x³); a sigmoid keeps its digits in the left tail.
 * From ±10 on it is 1 or, but for 10⁻³⁸, 0, which is written out: times the largest x, that would be no small number.
 */
const geluGate = (type: 'f32' | 'vec4f') => `fn gelu_gate(x: ${type}) -> ${type} {
  let held = clamp(x, ${type}(-10.0), ${type}(10.0));
  return select(${type}(0.0), 1.0 / (1.0 + exp(-1.5957691216 * held * (1.0 + 0.044715 * held * held))), held > ${type}(-10.0));
}`

const geluSlope = `${geluGate('vec4f')}
fn gelu_slope(x: vec4f) -> vec4f {
  let held = clamp(x, vec4f(-10.0), vec4f(10.0));
  let gate = gelu_gate(x);
  let slope = gate * (1.0 + held * (1.0 - gate) * 1.5957691216 * (1.0 + 0.134145 * held * held));
  return ${keepingNaN('slope', 'x')};
}`

/** The units by the name of what gates in them. */
export const gatedUnits = {
  silu: {
    name: 'swiglu',
    value: `a * ${sigmoidOfA} * b`,
    gradientA: `dy * b * ${sigmoidOfA} * (1.0 + a * (1.0 - ${sigmoidOfA}))`,
    gradientB: `dy * a * ${sigmoidOfA}`,
    activation: 'fn activation(x: f32) -> f32 { return x / (1.0 + exp(-max(x, -80.0))); }',
  },
  gelu_tanh: {
    name: 'geglu',
    functions: geluSlope,
    value: 'a * gelu_gate(a) * b',
    gradientA: 'dy * b * gelu_slope(a)',
    gradientB: 'dy * a * gelu_gate(a)',
    activation: `${geluGate('f32')}\nfn activation(x: f32) -> f32 { return x * gelu_gate(x); }`,
  },
} satisfies Record<string, GatedUnit>

export type GateActivation = keyof typeof gatedUnits

/** SwiGLU: gate · sigmoid(gate) · up (Shazeer 2020, arXiv 2002.05202), in one pass */
export const swiglu = (gate: Tensor, up: Tensor): Tensor => gated('silu', gate, up)

/**
 * GeGLU: gelu(gate) · up (Shazeer 2020, arXiv 2002.05202), in one pass; gelu(x) = x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2
 * (Hendrycks & Gimpel 2016, arXiv 1606.08415; transformers' `gelu_pytorch_tanh`)
 */
export const geglu = (gate: Tensor, up: Tensor): Tensor => gated('gelu_tanh', gate, up)

/** activation(gate) · up, in one pass */
export function gated(activation: GateActivation, gate: Tensor, up: Tensor): Tensor {
  const { name, ...of } = gatedUnits[activation]
  return binary(name, of, gate, up)
}
