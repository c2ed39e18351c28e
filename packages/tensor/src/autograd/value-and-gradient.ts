import type { Device } from '../device/device'
import { isTensor, visitTensors } from '../device/scope'
import { OutriderError, ShapeError } from '../errors'
import { add } from '../operations/pointwise/binary'
import type { Tensor } from '../tensor'
import { markOverflow } from './overflow'
import { Tape, tapeOf, withTape } from './tape'

/** Parameters of a function: a tensor, or tensors in arrays and plain objects, nested. */
export type TensorTree = Tensor | readonly TensorTree[] | { readonly [name: string]: TensorTree }

export interface ValueAndGradient<P, A> {
  /** The function's value, a scalar. */
  value: Tensor
  /** ∂value/∂parameter for every parameter, in the shape of the parameters. */
  gradients: P
  /** What the function returned beside its value. */
  aux: A
}

export interface GradientOptions {
  /**
   * u32 [1], set to 1 where a value or a gradient on the way is too large for the f16 that it is stored in, and so became
   * ±65504; else left. For who scales losses. Default: nobody asks.
   */
  overflow?: Tensor | undefined
}

/**
 * Evaluates a scalar function of parameters and its gradient with respect to each of them (reverse mode). Everything made
 * on the way is freed; the caller disposes of `value`, `gradients` and the tensors in `aux`. Gradients have the dtype of their
 * tensors, but that those in weights (of matmul, rmsNorm, embedding), which are sums over rows, are f32.
 *
 * @throws ShapeError if the value is not a scalar
 */
export function valueAndGradient<P extends TensorTree, A = undefined>(
  parameters: P,
  fn: (parameters: P) => Tensor | { value: Tensor; aux: A },
  { overflow }: GradientOptions = {},
): ValueAndGradient<P, A> {
  const leaves: Tensor[] = []
  visitTensors(parameters, (tensor) => leaves.push(tensor))
  const device = leaves[0]?.device
  if (!device) throw new OutriderError('INVALID_ARGUMENT', 'valueAndGradient: there are no parameters.')
  return device.scope(() => {
    const tape = new Tape(overflow)
    for (const leaf of leaves) tape.tracked.add(leaf)
    const result = recordedOn(tape, device, () => fn(parameters))
    const { value, aux } = isTensor(result) ? { value: result, aux: undefined as A } : result
    if (value.size !== 1) throw new ShapeError('valueAndGradient', [value.shape], 'the value must be a scalar')
    const kept = new Set<Tensor>([value, ...leaves])
    visitTensors(aux, (tensor) => kept.add(tensor))
    const gradients = backward(tape, value, device.full(value.shape, 1), kept)
    return { value, gradients: mapTree(parameters, (leaf) => gradients.get(leaf) ?? device.zeros(leaf.shape)), aux }
  })
}

/** Runs `body` with what it does recorded on a tape. */
export function recordedOn<T>(tape: Tape, device: Device, body: () => T): T {
  if (tapeOf(device))
    throw new OutriderError('INVALID_ARGUMENT', 'valueAndGradient: it cannot be used inside itself.', {
      remedy: 'Higher derivatives are not supported.',
    })
  return withTape(device, tape, body)
}

/**
 * Walks the tape from its end, given the gradient in its last value. An activation is freed as soon as nothing before it can
 * need it.
 *
 * @param apart  tensors whose contributions are handed over one by one, in their order, instead of being added up
 */
export function backward(
  tape: Tape,
  value: Tensor,
  dvalue: Tensor,
  kept: ReadonlySet<Tensor>,
  apart: ReadonlyMap<Tensor, Tensor[]> = new Map(),
): Map<Tensor, Tensor> {
  const gradients = new Map<Tensor, Tensor>()
  if (!tape.tracked.has(value)) return gradients
  gradients.set(value, dvalue)
  const check = (x: Tensor) => tape.overflow && markOverflow(x, tape.overflow)
  for (const { name, output, inputs, saved = [], gradient } of tape.entries.reverse()) {
    const dOutput = gradients.get(output)
    const isView = name === 'reshape' // of what is checked where it was made
    if (!isView) check(output)
    if (dOutput) {
      const thunks = gradient(dOutput)
      for (const [i, input] of inputs.entries()) {
        const thunk = thunks[i]
        if (!thunk || !tape.tracked.has(input)) continue
        for (const computed of [thunk()].flat()) {
          // A gradient may be handed on as it came; a view of its own lets each holder dispose of what it holds.
          const contribution = computed === dOutput ? dOutput.reshape(dOutput.shape) : computed
          if (!isView && computed !== dOutput) check(contribution)
          const others = apart.get(input)
          if (others) {
            others.push(contribution)
            continue
          }
          const sum = gradients.get(input)
          const total = sum ? add(sum, contribution) : contribution
          gradients.set(input, total)
          if (sum) {
            check(total)
            sum.dispose()
            contribution.dispose()
          }
        }
      }
      if (!kept.has(output)) gradients.delete(output)
      if (!kept.has(output) || output === value) dOutput.dispose()
    }
    if (!kept.has(output)) output.dispose()
    for (const tensor of saved) tensor.dispose()
  }
  return gradients
}

function mapTree<P extends TensorTree>(tree: P, map: (leaf: Tensor) => Tensor): P {
  if (isTensor(tree)) return map(tree) as unknown as P
  if (Array.isArray(tree)) return tree.map((item: TensorTree) => mapTree(item, map)) as unknown as P
  return Object.fromEntries(
    Object.entries(tree as Record<string, TensorTree>).map(([name, item]) => [name, mapTree(item, map)]),
  ) as unknown as P
}
