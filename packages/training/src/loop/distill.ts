import type { BatchStream, DataSource, Mixture } from '@outrider/dataset'
import {
  type DistillationLoss,
  distillationLossOfHeads,
  type HeadInputs,
  labelCrossEntropy,
  pooledSumsOfHeads,
} from '@outrider/losses'
import {
  type CausalLM,
  compareVocabularies,
  type ModelParameters,
  type PretrainedModel,
  type TrainableLM,
  type TrainingPassOptions,
} from '@outrider/transformer'
import { fixedHead, trainedHead } from './head'
import type { DeviceBatch, Objective } from './objective'
import { type BatchSettings, streamOf } from './stream-of'
import type { TargetStates } from './target-states'
import { type TrainingOptions, type TrainingResult, train } from './train'

export interface DistillationOptions extends TrainingOptions, BatchSettings {
  draft: PretrainedModel<TrainableLM>
  /**
   * The model whose distribution the draft learns. It is not changed. Of one that shows hidden states and a head
   * (`HiddenStatesLM`) logits are made a few rows at a time; of any other those of a whole batch are held.
   */
  target: PretrainedModel<CausalLM>
  /** Conversations to learn, as a source, a mixture of sources (`mix`), or batches that the program makes itself. */
  data: DataSource | Mixture | BatchStream
  loss: DistillationLoss
  /** Keeps what the target says of batches that come again: give several runs on the same data one of these. */
  targetStates?: TargetStates | undefined
}

/** How the draft and the target are computed. */
export interface DistillationSettings extends TrainingPassOptions {
  targetStates?: TargetStates | undefined
}

/** White-box distillation: the loss between the draft's distribution p and the target's q at every position that counts. */
export function distillation(
  draft: PretrainedModel<TrainableLM>,
  target: PretrainedModel<CausalLM>,
  loss: DistillationLoss,
  { targetStates, ...options }: DistillationSettings = {},
): Objective {
  const inputs = (parameters: ModelParameters, batch: DeviceBatch): HeadInputs => {
    const { tokens, labels, mask, length, seed, firstRow, pooled } = batch
    const states = (targetStates ?? batch.targetStates)?.of(target, batch)
    return {
      draft: trainedHead(draft.model, parameters, tokens, options),
      target: fixedHead(target.model, tokens, states),
      labels,
      mask,
      sequenceLength: length,
      pooled,
      seed,
      firstRow,
    }
  }
  return {
    name: `distill ${loss.name}`,
    ...('terms' in loss && { definition: loss.terms }), // a row loss
    target,
    loss(parameters, batch) {
      const { value, acceptanceRate, statistics } = distillationLossOfHeads(loss, inputs(parameters, batch))
      return { value, aux: acceptanceRate ? { ...statistics, acceptance_rate: acceptanceRate } : statistics }
    },
    ...(loss.pool && { pool: (parameters, batch) => pooledSumsOfHeads(loss, inputs(parameters, batch))! }),
    measure: (parameters, batch) => labelCrossEntropy.rows(inputs(parameters, batch)),
  }
}

/**
 * Fine-tunes the draft, in place, towards the target's distribution on `data` (the paper: the target's own answers mixed
 * 9 : 1 with pretraining text).
 *
 * @throws OutriderError VOCABULARY_MISMATCH where the two have different tokenizers; INVALID_ARGUMENT for rows beyond the
 *   context of either
 */
export async function distill({ draft, target, data, loss, ...options }: DistillationOptions): Promise<TrainingResult> {
  compareVocabularies(target, draft)
  return train(
    draft,
    distillation(draft, target, loss, options),
    await streamOf({ data, speaker: target, models: { target, draft } }, options),
    options,
  )
}
