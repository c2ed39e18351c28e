import { type Device, readAll, type Tensor, valueAndGradient } from '@outrider/tensor'
import { type DistillationLoss, type DistillationResult, distillationLoss } from '../distillation-loss'

/** What a loss says, read. */
export interface Evaluated {
  value: number
  alpha: number
  /** In the draft's logits, row after row. */
  gradient: Float32Array
  statistics: Record<string, number>
}

/** What there is beside logits. */
export interface Extra {
  labels?: Uint32Array
  mask?: Float32Array
  sequenceLength?: number
  vocabularySize?: number
  seed?: number
  firstRow?: number
  pooled?: Tensor
}

/** A loss of `rows` rows of logits: its value, gradient, α and statistics, read; nothing is left on the device. */
export async function evaluateLoss(
  device: Device,
  loss: DistillationLoss,
  draft: Float32Array,
  target: Float32Array,
  rows: number,
  { labels, mask, ...extra }: Extra = {},
): Promise<Evaluated> {
  const logits = (data: Float32Array) => device.tensor(data, { shape: [rows, data.length / rows] })
  const inputs = {
    draftLogits: logits(draft),
    targetLogits: logits(target),
    ...(labels && { labels: device.tensor(labels) }),
    ...(mask && { mask: device.tensor(mask) }),
  }
  const { draftLogits } = inputs
  const { gradients, ...figures } = await differentiated({ draftLogits }, (parameters) =>
    distillationLoss(loss, { ...inputs, ...extra, ...parameters }),
  )
  for (const tensor of Object.values(inputs)) tensor.dispose()
  return { ...figures, gradient: gradients.draftLogits }
}

/** The figures of a loss, and its gradients in some tensors by name, read. */
export async function differentiated<K extends string>(
  parameters: Record<K, Tensor>,
  result: (parameters: Record<K, Tensor>) => DistillationResult,
): Promise<Omit<Evaluated, 'gradient'> & { gradients: Record<K, Float32Array> }> {
  const { value, gradients, aux } = valueAndGradient(parameters, (parameters) => {
    const { value, acceptanceRate, statistics } = result(parameters)
    return { value, aux: { acceptanceRate: acceptanceRate!, statistics } }
  })
  const names = Object.keys(parameters) as K[]
  const slopes = names.map((name) => gradients[name])
  const tensors = [value, aux.acceptanceRate, ...slopes, ...Object.values(aux.statistics)]
  const [v, alpha, ...rest] = await readAll(tensors)
  for (const tensor of tensors) tensor.dispose()
  const said = Object.keys(aux.statistics).map((name, i) => [name, rest[names.length + i]![0]!] as const)
  return {
    value: v![0]!,
    alpha: alpha![0]!,
    gradients: Object.fromEntries(names.map((name, i) => [name, Float32Array.from(rest[i]!)])) as Record<
      K,
      Float32Array
    >,
    statistics: Object.fromEntries(said),
  }
}
