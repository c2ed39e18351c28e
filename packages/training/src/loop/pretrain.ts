import type { BatchStream, DataSource, Mixture } from '@outrider/dataset'
import { distillationLossOfHeads, labelCrossEntropy } from '@outrider/losses'
import {
  type CausalLM,
  compareVocabularies,
  type ModelParameters,
  type PretrainedModel,
  type TrainableLM,
  type TrainingPassOptions,
} from '@outrider/transformer'
import { readingOf } from '../states/read-positions'
import { TargetStates } from '../states/target-states'
import type { DistillationSettings } from './distill'
import { headInputs, ofAllPositions, type ReadHeads } from './head'
import type { DeviceBatch, Objective } from './objective'
import { type BatchSettings, streamOf } from './stream-of'
import { type TrainingOptions, type TrainingResult, train } from './train'

export interface PretrainingOptions extends TrainingOptions, BatchSettings {
  /** Measure the draft against this model on the held-out batches: α and simulated acceptance length, too. */
  target?: PretrainedModel<CausalLM> | undefined
}

/** Next-token cross-entropy: the mean of −ln p(label) over the positions that count. */
export function nextToken(
  { model }: Pick<PretrainedModel<TrainableLM>, 'model'>,
  {
    target,
    targetStates = new TargetStates({ memoryBytes: 0 }),
    ...options
  }: TrainingPassOptions & Pick<PretrainingOptions, 'target'> & Pick<DistillationSettings, 'targetStates'> = {},
): Objective {
  const reading = readingOf(labelCrossEntropy)
  const inputs = (parameters: ModelParameters, batch: DeviceBatch, against?: typeof target): ReadHeads =>
    headInputs(
      {
        draft: { model, parameters, options },
        target: against && { model: against, states: targetStates },
        reading,
      },
      batch,
    )
  return {
    name: 'next-token',
    heldOutTarget: target,
    loss: (parameters, batch) => {
      const { value } = distillationLossOfHeads(labelCrossEntropy, inputs(parameters, batch))
      return { value, aux: {} }
    },
    measure(parameters, batch) {
      const heads = inputs(parameters, batch, target)
      return ofAllPositions(labelCrossEntropy.rows(heads), batch, heads.numbers)
    },
  }
}

/**
 * Pretrains a draft, in place, on text with next-token cross-entropy: a source, a mixture, or batches made elsewhere.
 *
 * @throws OutriderError VOCABULARY_MISMATCH where it is to be measured against a target of another tokenizer;
 *   INVALID_ARGUMENT for rows beyond the context of either
 */
export async function pretrain(
  draft: PretrainedModel<TrainableLM>,
  data: DataSource | Mixture | BatchStream,
  options: PretrainingOptions,
): Promise<TrainingResult> {
  if (options.target) compareVocabularies(options.target, draft)
  const models = options.target ? { target: options.target, draft } : { draft }
  const stream = await streamOf({ data, speaker: draft, models }, options)
  using targetStates = new TargetStates() // held-out batches come again
  return await train(draft, nextToken(draft, { ...options, targetStates }), stream, options)
}
