import { type CoveredIds, minimum, softmax, sum, type Tensor } from '@outrider/tensor'
import { coveredPlaces, firstColumns, ofCovered, withoutGradients } from '@outrider/tensor/internal'
import type { DistillationInputs } from './distillation-loss'

type OfVocabulary = Pick<DistillationInputs, 'draftLogits' | 'targetLogits' | 'labels' | 'vocabularySize'>

export type CoveredInputs<Inputs extends OfVocabulary = DistillationInputs> = Inputs & {
  /** f32 [rows]: α of the target's own distribution, where the loss is given the one over covered ids. */
  acceptanceRates?: Tensor
}

/**
 * What a loss is given where the draft's head covers some ids alone: everything over these. Softmaxes of their logits are the
 * distributions renormalised over them.
 *
 * @param inputs  the draft's logits over the covered ids, the rest over the vocabulary; as they are where the head covers it all
 */
export function overCovered<Inputs extends OfVocabulary>(
  covered: CoveredIds | undefined,
  inputs: Inputs,
): CoveredInputs<Inputs> {
  if (!covered) return inputs
  const { ids } = covered
  const { draftLogits, targetLogits, labels, vocabularySize } = inputs
  const { device } = draftLogits
  return withoutGradients(device, () => {
    const target = targetLogits && withoutPadding(targetLogits, vocabularySize)
    return {
      ...inputs,
      vocabularySize: undefined,
      labels: labels && coveredPlaces(labels, ids),
      targetLogits: target && ofCovered(target, ids),
      ...(target && {
        acceptanceRates: device.scope(() =>
          sum(minimum(softmax(draftLogits), ofCovered(softmax(target), ids)), { axis: 1 }),
        ),
      }),
    }
  })
}

const withoutPadding = (logits: Tensor, vocabularySize = logits.shape[1]!): Tensor =>
  vocabularySize === logits.shape[1] ? logits : firstColumns(logits, vocabularySize)
