import type { Device } from '../device/device'
import type { Tensor } from '../tensor'

/**
 * The gradient for one input; runs only if that input's gradient is wanted. Several tensors are contributions, which are added
 * in their order. null: the input has none (ids, masks).
 */
export type InputGradient = (() => Tensor | readonly Tensor[]) | null

export interface Derivative {
  name: string
  /** All tensors that the gradients read, but for the output and what is saved. */
  inputs: readonly Tensor[]
  /** What was made beside the output for the gradients: the tape frees it, and where nothing is recorded at once. */
  saved?: readonly Tensor[] | undefined
  /** Given ∂loss/∂output, the gradient of each input. */
  gradient: (dOutput: Tensor) => readonly InputGradient[]
}

interface TapeEntry extends Derivative {
  readonly output: Tensor
}

/** The operations between the parameters and the value, in the order they were done. */
export class Tape {
  readonly entries: TapeEntry[] = []
  /** The parameters, and what was computed from them. */
  readonly tracked = new Set<Tensor>()
  /** What the gradients will read: no scope frees it. */
  readonly held = new Set<Tensor>()
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
  const tape = tapeOf(output.device)
  const { inputs, saved = [] } = derivative
  if (tape && inputs.some((input) => tape.tracked.has(input))) {
    tape.entries.push({ output, ...derivative })
    tape.tracked.add(output)
    for (const tensor of [output, ...inputs, ...saved]) tape.held.add(tensor)
  } else for (const tensor of saved) tensor.dispose()
  return output
}

/** Whether operations on any of these are being recorded now, so that what their gradients need must be kept. */
export function isTracked(...tensors: readonly Tensor[]): boolean {
  const tape = tensors[0] && tapeOf(tensors[0].device)
  return tape !== undefined && tensors.some((tensor) => tape.tracked.has(tensor))
}

/** Runs `body` without recording what it does: for an operation that computes its gradients by itself. */
export function withoutGradients<T>(device: Device, body: () => T): T {
  return withTape(device, undefined, body)
}

/** Runs `body` with what it does recorded on a tape, or on none. */
export function withTape<T>(device: Device, tape: Tape | undefined, body: () => T): T {
  const outer = tapeOf(device)
  tapes.set(device, tape)
  try {
    return body()
  } finally {
    tapes.set(device, outer)
  }
}

/** The tape that operations are recorded on, if there is one. */
export const tapeOf = (device: Device): Tape | undefined => tapes.get(device)

const tapes = new WeakMap<Device, Tape | undefined>()
