import { defineKernel, linearWorkgroups, rowReduction, rowReductionFor, type Tensor } from '@outrider/tensor'
import { coveredPlaces, noLogit } from '@outrider/tensor/internal'
import { coveredRates } from '../covered-rates'
import type { HeadStates, TopTokens } from '../distillation-loss'
import bucketSource from './bucket.wgsl'
import slotsSource from './slots.wgsl'
import spreadSource from './spread.wgsl'
import unslotSource from './unslot.wgsl'

const slotsKernel = defineKernel({ name: 'topTokenSlots', source: slotsSource })
const bucketKernel = defineKernel({ name: 'bucketLogit', source: bucketSource, uses: [rowReduction, noLogit] })
const spreadKernel = defineKernel({ name: 'spreadBucket', source: spreadSource })
const unslotKernel = defineKernel({ name: 'topTokenGradients', source: unslotSource })

/** Distributions over k tokens a row and one bucket for all others. */
export interface Buckets {
  /** f32 [rows, k + 1]: the draft's logits, the bucket's being ln Σ exp of what it holds. */
  draftLogits: Tensor
  /** f32 [rows, k + 1]: ln q. Of a draft that covers some ids alone, of these: they are less than 1 together. */
  targetLogits: Tensor
  /** f32 [rows]: α of the target's own distribution, of a draft that covers some ids alone. */
  acceptanceRates?: Tensor
  whole: Whole
}

/** What the gradient in the draft's logits is made with. */
interface Whole {
  draftLogits: Tensor
  /** The same without the k tokens. */
  rest: Tensor
  ids: Tensor
  columns: number
}

/**
 * @param draftLogits  f32 [rows, rows of the draft's head]
 * @param columns      tokens of the draft's logits; what follows is padding
 */
export function overBuckets(
  draftLogits: Tensor,
  { logProbabilities, logRest, ...top }: TopTokens,
  { covered }: HeadStates['head'],
  columns = draftLogits.shape[1]!,
): Buckets {
  const { device } = draftLogits
  const [rows, draftColumns] = draftLogits.shape as [number, number]
  const k = top.ids.shape[1]!
  const ids = covered ? coveredPlaces(top.ids.reshape([rows * k]), covered.ids) : top.ids
  const rest = device.empty(draftLogits.shape)
  device.copy(draftLogits, 0, rest, 0, draftLogits.size)
  const draft = device.empty([rows, k + 1])
  const target = device.empty([rows, k + 1])
  const slots = rows * (k + 1)
  device.run(slotsKernel, {
    bindings: {
      ...{ draft_logits: draftLogits, ids, log_probabilities: logProbabilities, log_rest: logRest },
      ...{ rest, draft, target_logits: target },
    },
    params: { slots, k, columns, draftColumns },
    workgroups: linearWorkgroups(Math.ceil(slots / 64)),
  })
  device.run(bucketKernel, {
    bindings: { rest, draft },
    params: { rows, k, columns, draftColumns },
    forms: [rowReductionFor(columns, device.capabilities)],
    workgroups: linearWorkgroups(rows),
  })
  const logits = { draftLogits: draft, targetLogits: target }
  const acceptanceRates = covered && coveredRates({ ...logits, logNormalizers: device.zeros([rows]) })
  return { ...logits, ...(acceptanceRates && { acceptanceRates }), whole: { draftLogits, rest, ids, columns } }
}

/** The gradient in the draft's logits, of that in those of k tokens and the bucket. */
export function fromBuckets(
  ddraft: Tensor,
  { draftLogits: draft, whole }: Pick<Buckets, 'draftLogits' | 'whole'>,
): Tensor {
  const { draftLogits, rest, ids, columns } = whole
  const { device } = ddraft
  const draftColumns = draftLogits.shape[1]!
  const k = draft.shape[1]! - 1
  const dlogits = device.empty(draftLogits.shape)
  const elements = dlogits.size
  device.run(spreadKernel, {
    bindings: { rest, draft, ddraft, dlogits },
    params: { elements, k, columns, draftColumns },
    workgroups: linearWorkgroups(Math.ceil(elements / 64)),
  })
  const slots = ids.size
  device.run(unslotKernel, {
    bindings: { ids, ddraft, dlogits },
    params: { slots, k, columns, draftColumns },
    workgroups: linearWorkgroups(Math.ceil(slots / 64)),
  })
  return dlogits
}
