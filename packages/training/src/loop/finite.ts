import { OutriderError, readAll, type Tensor } from '@outrider/tensor'
import { gradientNorm } from '../optimizer/gradient-norm'
import type { StepGradients } from './gradients'

type Tensors = Readonly<Record<string, Tensor>>

/**
 * Whether a step may be taken: its loss, α, statistics and gradient are finite. Before step 1 all weights are looked at, too: one
 * that no row meets (of a rare token, say) shows in none of these. That is a pass over the weights and a readback.
 *
 * @param step        which one, from 1 on
 * @param parameters  of the model: those that are not finite are named in the error
 * @throws OutriderError NOT_FINITE
 */
export async function checkStep(
  step: number,
  { loss, aux, gradientNorm, faults, overflowed }: StepGradients,
  parameters: Tensors,
): Promise<void> {
  const figures = Object.entries({ loss, ...aux }).filter(([, value]) => !Number.isFinite(value))
  // What does not fit in f16 is no fault: the step is skipped, and the loss is scaled down.
  const wrong = overflowed ? [] : faults.map((name) => `the gradient of ${name}`)
  if (!overflowed && wrong.length === 0 && !Number.isFinite(gradientNorm)) wrong.push("the gradient's norm")
  const isSound = figures.length === 0 && wrong.length === 0
  if (isSound && step > 1) return
  const weights = await notFinite(parameters)
  if (isSound && weights.length === 0) return
  const what = [
    ...figures.map(([name, value]) => `the ${name.replaceAll('_', ' ')} (${value})`),
    ...weights.map((name) => `the weight ${name}`),
    ...(weights.length === 0 ? wrong : []), // they follow from the weights
  ]
  throw notFiniteError(step, what, { loss, tensors: weights })
}

/**
 * Checks what a checkpoint would be made of: weights, and the optimiser's moments.
 *
 * @throws OutriderError NOT_FINITE
 */
export async function checkTensors(step: number, tensors: Tensors): Promise<void> {
  const wrong = await notFinite(tensors)
  if (wrong.length > 0) throw notFiniteError(step, wrong, { tensors: wrong })
}

/** The names of tensors that have an element that is NaN or infinite. */
async function notFinite(tensors: Tensors): Promise<string[]> {
  const values = Object.values(tensors)
  const { norm, faults } = values[0]!.device.scope(() => gradientNorm(values))
  norm.dispose()
  const [faulty] = await readAll([faults])
  faults.dispose()
  return Object.keys(tensors).filter((_, i) => faulty![i] !== 0)
}

function notFiniteError(step: number, what: readonly string[], details: Record<string, unknown>): OutriderError {
  const some = what.length > 6 ? [...what.slice(0, 5), `${what.length - 5} more`] : what
  return new OutriderError('NOT_FINITE', `Not finite in step ${step}: ${some.join(', ')}.`, {
    remedy:
      step > 1
        ? 'Lower the learning rate, or lengthen the warm-up; the last checkpoint is from before it.'
        : 'Check the weights of draft and target; if they are sound, lower the learning rate.',
    details: { step, ...details },
  })
}
