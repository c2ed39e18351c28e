import type { CoveredIds, Tensor } from '@outrider/tensor'
import { coveredPlaces, firstColumns, ofCovered, withoutGradients } from '@outrider/tensor/internal'
import { coveredRates, logNormalizers } from './covered-rates'
import type { DistillationInputs } from './distillation-loss'
import type { TargetLogits } from './target-logits'

type OfVocabulary = Pick<DistillationInputs, 'draftLogits' | 'targetLogits' | 'labels' | 'vocabularySize'> &
  Pick<TargetLogits, 'logNormalizers'>

export type CoveredInputs<Inputs extends OfVocabulary = DistillationInputs> = Inputs & {
  /** f32 [rows]: α of the target's own distribution, where the loss is given the one over covered ids. */
  acceptanceRates?: Tensor
}

/**
 * What a loss is given where the draft's head covers some ids alone: everything over these. Softmaxes of their logits are the
 * distributions renormalised over them.
 *
 * @param inputs  the draft's logits over the covered ids, and the target's where their normalisers are there; the rest over the
 *   vocabulary; as they are where the head covers it all
 */
export function overCovered<Inputs extends OfVocabulary>(
  covered: CoveredIds | undefined,
  inputs: Inputs,
): CoveredInputs<Inputs> {
  if (!covered) return inputs
  const { ids } = covered
  const { draftLogits, targetLogits, logNormalizers: given, labels, vocabularySize } = inputs
  const { device } = draftLogits
  return withoutGradients(device, () => {
    const whole = given ? undefined : targetLogits && withoutPadding(targetLogits, vocabularySize)
    const logits = whole ? ofCovered(whole, ids) : targetLogits
    return {
      ...inputs,
      vocabularySize: undefined,
      labels: labels && coveredPlaces(labels, ids),
      targetLogits: logits,
      ...(logits && {
        acceptanceRates: device.scope(() =>
          coveredRates({ draftLogits, targetLogits: logits, logNormalizers: given ?? logNormalizers(whole!) }),
        ),
      }),
    }
  })
}

const withoutPadding = (logits: Tensor, vocabularySize = logits.shape[1]!): Tensor =>
  vocabularySize === logits.shape[1] ? logits : firstColumns(logits, vocabularySize)
