import { visitTensors } from '../device/scope'
import type { Tensor } from '../tensor'
import { differentiable, isTracked, Tape, tapeOf, withoutGradients } from './tape'
import { backward, recordedOn, type TensorTree } from './value-and-gradient'

/**
 * Computes `fn(inputs)` and forgets what is in between; where its gradient is wanted, `fn` is computed once more (Chen et al.
 * 2016, arXiv 1604.06174). It costs a second forward pass and saves the memory of all activations but the inputs and the
 * output. Gradients have the same bits as without, for `fn` computes the same bits again.
 *
 * @param inputs  every tensor whose gradient may be wanted through `fn`; those that it captures otherwise are constants
 * @param fn      pure: its result depends on the inputs and on constants alone
 */
export function activationCheckpoint<P extends TensorTree>(inputs: P, fn: (inputs: P) => Tensor): Tensor {
  const leaves: Tensor[] = []
  visitTensors(inputs, (tensor) => leaves.push(tensor))
  const tracked = leaves.filter((leaf) => isTracked(leaf))
  const [first] = tracked
  if (!first) return fn(inputs)
  const { device } = first
  const overflow = tapeOf(device)?.overflow
  const output = withoutGradients(device, () => device.scope(() => fn(inputs)))
  const gradients = (dOutput: Tensor) =>
    device.scope(() => {
      const tape = new Tape(overflow)
      for (const leaf of tracked) tape.tracked.add(leaf)
      const again = recordedOn(tape, device, () => fn(inputs))
      // Added up here, they would be in another order than without: to the bit, (a + b) + c is not a + (b + c).
      const apart = new Map(tracked.map((leaf): [Tensor, Tensor[]] => [leaf, []]))
      backward(tape, again, dOutput.reshape(dOutput.shape), new Set(tracked), apart)
      return [...apart.values()]
    })
  return differentiable(output, {
    name: 'activationCheckpoint',
    inputs: leaves,
    gradient(dOutput) {
      let all: readonly Tensor[][] | undefined
      const gradientOf = (i: number) => () => {
        all ??= gradients(dOutput)
        return all[i]!
      }
      return leaves.map((leaf) => (tracked.includes(leaf) ? gradientOf(tracked.indexOf(leaf)) : null))
    },
  })
}
