import type { Device } from '../device/device'
import type { Tensor } from '../tensor'

/**
 * The gradient for one input; runs only if that input's gradient is wanted. Several tensors are contributions, which are added
 * in their order. null: the input has none (ids, masks).
 */
export type InputGradient = (() => Tensor | readonly Tensor[]) | null

export interface Derivative {
  name: string
  inputs: readonly Tensor[]
  /** Given ∂loss/∂output, the gradient of each input. */
  gradient: (dOutput: Tensor) => readonly InputGradient[]
}

interface TapeEntry extends Derivative {
  readonly output: Tensor
}

/** The operations between the parameters and the value, in the order they were done. */
export class Tape {
  readonly entries: TapeEntry[] = []
  readonly tracked = new Set<Tensor>()
  /** u32 [1], set where an f16 value or gradient has overflowed; null: nobody asks. */
  readonly overflow: Tensor | null

  constructor(overflow: Tensor | null = null) {
    this.overflow = overflow
  }
}

/**
 * Declares how an operation's output depends on its inputs. Recorded only inside `valueAndGradient`, and only if an input
 * depends on a parameter.
 *
 * @returns the output
 */
export function differentiable(output: Tensor, derivative: Derivative): Tensor {
  const { tape } = output.device
  if (tape && derivative.inputs.some((input) => tape.tracked.has(input))) {
    tape.entries.push({ output, ...derivative })
    tape.tracked.add(output)
  }
  return output
}

/** Whether operations on any of these are being recorded now, so that what their gradients need must be kept. */
export function isTracked(...tensors: readonly Tensor[]): boolean {
  const tape = tensors[0]?.device.tape
  return tape != null && tensors.some((tensor) => tape.tracked.has(tensor))
}

/** Runs `body` without recording what it does: for an operation that computes its gradients by itself. */
export function withoutGradients<T>(device: Device, body: () => T): T {
  const { tape } = device
  device.tape = null
  try {
    return body()
  } finally {
    device.tape = tape
  }
}
