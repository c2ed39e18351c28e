import { readAll, valueAndGradient } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { type DistillationLoss, distillationLoss } from './distillation-loss'

export interface Evaluated {
  value: number
  alpha: number
  gradient: Float32Array
  statistics: Record<string, number>
}

export interface Extra {
  labels?: Uint32Array
  mask?: Float32Array
  sequenceLength?: number
  vocabularySize?: number
  seed?: number
}

/** A loss of `rows` rows of logits on the test device: its value, gradient, α and statistics, read. */
export async function evaluate(
  loss: DistillationLoss,
  draft: Float32Array,
  target: Float32Array,
  rows: number,
  { labels, mask, ...extra }: Extra = {},
): Promise<Evaluated> {
  const device = await testDevice()
  const logits = (data: Float32Array) => device.tensor(data, { shape: [rows, data.length / rows] })
  const inputs = {
    draftLogits: logits(draft),
    targetLogits: logits(target),
    ...(labels && { labels: device.tensor(labels) }),
    ...(mask && { mask: device.tensor(mask) }),
  }
  const result = valueAndGradient(inputs.draftLogits, (draftLogits) => {
    const { value, acceptanceRate, statistics } = distillationLoss(loss, { ...inputs, ...extra, draftLogits })
    return { value, aux: { acceptanceRate: acceptanceRate!, statistics } }
  })
  const { acceptanceRate, statistics } = result.aux
  const names = Object.keys(statistics)
  const tensors = [result.value, acceptanceRate, result.gradients, ...Object.values(statistics)]
  const [value, alpha, gradient, ...rest] = await readAll(tensors)
  for (const tensor of [...tensors, ...Object.values(inputs)]) tensor.dispose()
  return {
    value: value![0]!,
    alpha: alpha![0]!,
    gradient: Float32Array.from(gradient!),
    statistics: Object.fromEntries(names.map((name, i) => [name, rest[i]![0]!])),
  }
}
