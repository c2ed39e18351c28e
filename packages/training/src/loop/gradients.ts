import { add, multiply, OutriderError, readAll, type Tensor, valueAndGradient } from '@outrider/tensor'
import type { ModelParameters, PretrainedModel, TrainableLM } from '@outrider/transformer'
import { gradientNorm } from '../optimizer/gradient-norm'
import { workingWeights } from '../precision/working-weights'
import { type DeviceBatch, type Objective, type StepBatch, toDevice } from './objective'

/** What a step is decided by. The caller disposes of the tensors. */
export interface StepGradients {
  /** Of the mean loss times the scale, by parameter; f32. */
  gradients: Record<string, Tensor>
  /** Their global norm, f32 []. */
  norm: Tensor
  /** The parameters whose gradients are not finite. */
  faults: string[]
  /** Figures read back, of the loss as it is. */
  loss: number
  gradientNorm: number
  aux: Record<string, number>
  /** What the objective says by position of a block, added up: [positions, 3]. */
  positions?: ArrayLike<number>
  /** In mixed precision: something did not fit in f16, and the gradients are wrong. */
  overflowed: boolean
}

/**
 * The gradient of the mean loss over every position of several batches, as if they were one. Where the objective pools
 * statistics over them, they are passed over twice.
 *
 * @param options.seed   of what the loss draws
 * @param options.scale  in mixed precision, what the loss is multiplied by, a power of two; without it all is f32
 */
export async function stepGradients(
  model: PretrainedModel<TrainableLM>,
  objective: Objective,
  micro: readonly StepBatch[],
  { seed, scale }: { seed: number; scale?: number | undefined },
): Promise<StepGradients> {
  const { parameters, device } = model.model
  using _prepared = await objective.prepare?.(micro)
  const { gradients, norm, faults, value, aux, positions, overflow } = device.scope(() => {
    const overflow = scale === undefined ? undefined : device.zeros([1], 'u32')
    const weights = scale === undefined ? parameters : workingWeights(parameters)
    const sums = accumulate(weights, objective, micro, { seed, scale: scale ?? 1, overflow })
    return { ...sums, ...gradientNorm(Object.values(sums.gradients)), overflow }
  })
  const sums = positions ? [positions] : []
  const figures = [...sums, faults, value, norm, ...(overflow ? [overflow] : []), ...Object.values(aux)]
  const all = await readAll(figures)
  const byPosition = positions && all.shift()
  const [faulty, ...read] = all
  const [loss, size, ...others] = read.map((values) => values[0]!)
  const flag = overflow ? others.shift() : 0
  for (const tensor of [...sums, faults, value, ...(overflow ? [overflow] : []), ...Object.values(aux)])
    tensor.dispose()
  return {
    gradients,
    norm,
    faults: Object.keys(gradients).filter((_, i) => faulty![i] !== 0),
    loss: loss! / (scale ?? 1),
    gradientNorm: size! / (scale ?? 1),
    aux: Object.fromEntries(Object.keys(aux).map((name, i) => [name, others[i]!])),
    ...(byPosition && { positions: byPosition }),
    overflowed: flag !== 0 || (scale !== undefined && !Number.isFinite(size)),
  }
}

interface Sums {
  value: Tensor
  aux: Record<string, Tensor>
  positions: Tensor | undefined
  gradients: Record<string, Tensor>
}

function accumulate(
  weights: ModelParameters,
  objective: Objective,
  micro: readonly StepBatch[],
  { seed, scale, overflow }: { seed: number; scale: number; overflow: Tensor | undefined },
): Sums {
  const { device } = Object.values(weights)[0]!
  let firstRow = 0
  let countedBefore = 0
  const batches: DeviceBatch[] = []
  for (const batch of micro) {
    const onDevice = { ...toDevice(device, batch, seed), firstRow, countedBefore }
    firstRow += batch.batchSize * batch.length
    for (const weight of batch.lossMask) if (weight !== 0) countedBefore++
    if (onDevice.count > 0) batches.push(onDevice)
  }
  const total = countOf(batches)
  if (total === 0)
    throw new OutriderError('INVALID_ARGUMENT', 'A batch has no position that counts.', {
      remedy: 'Check the loss masks: every row needs a token to learn.',
    })
  const drawn = countOf(batches.filter((batch) => batch.drawn))
  const step = pooled(weights, objective, batches)
  let sums: Sums | null = null
  for (const batch of batches) {
    const share = batch.count / total
    const compute = (parameters: ModelParameters) => {
      const { value, aux, positions } = objective.loss(parameters, { ...batch, ...step })
      const weighted = Object.entries(aux).map(([name, figure]) => [name, multiply(figure, share)] as const)
      const apart = drawn > 0 && aux.acceptance_rate && acceptanceApart(aux.acceptance_rate, batch, { total, drawn })
      const figures = { ...Object.fromEntries(weighted), ...apart }
      return { value: multiply(value, share * scale), aux: { figures, positions } }
    }
    const { value, gradients, aux } = valueAndGradient(weights, compute, { overflow })
    const { figures, positions } = aux
    sums = sums
      ? {
          value: add(sums.value, value),
          aux: addUp(sums.aux, figures),
          positions: positions && add(sums.positions!, positions),
          gradients: addUp(sums.gradients, gradients),
        }
      : { value, aux: figures, positions, gradients }
  }
  return sums!
}

/** What the batches of a step have pooled. A loss that pools nothing, and a batch that is alone, need no pass for it. */
function pooled(
  weights: ModelParameters,
  objective: Objective,
  batches: readonly DeviceBatch[],
): Pick<DeviceBatch, 'pooled'> {
  if (!objective.pool || batches.length === 1) return {}
  const { device } = Object.values(weights)[0]!
  const parts = batches.map((batch) => device.scope(() => objective.pool!(weights, batch)))
  return { pooled: parts.reduce((sum, part) => add(sum, part)) }
}

/** The part of a batch in its step's α, of what the draft has drawn or of the rest: two figures, for the two are not alike. */
function acceptanceApart(
  rate: Tensor,
  { count, drawn: isDrawn }: DeviceBatch,
  { total, drawn }: { total: number; drawn: number },
): Record<string, Tensor> {
  return isDrawn
    ? { on_policy_acceptance_rate: multiply(rate, count / drawn) }
    : { data_acceptance_rate: multiply(rate, count / (total - drawn)) }
}

const countOf = (batches: readonly Pick<DeviceBatch, 'count'>[]): number =>
  batches.reduce((sum, { count }) => sum + count, 0)

/** Sums by name; what only one has is taken as it is. */
function addUp(a: Record<string, Tensor>, b: Record<string, Tensor>): Record<string, Tensor> {
  const sums = Object.entries(a).map(([name, tensor]) => [name, b[name] ? add(tensor, b[name]) : tensor])
  return { ...b, ...Object.fromEntries(sums) }
}
