import type { BatchStream, DataSource, Mixture } from '@outrider/dataset'
import { acceptanceRates, type DistillationLoss, distillationLoss } from '@outrider/losses'
import { crossEntropy, type Tensor } from '@outrider/tensor'
import { compareVocabularies, llamaLogits, type PretrainedModel } from '@outrider/transformer'
import type { DeviceBatch, Objective } from './objective'
import { type BatchSettings, streamOf } from './stream-of'
import { type TrainingOptions, type TrainingResult, train } from './train'

export interface DistillationOptions extends TrainingOptions, BatchSettings {
  draft: PretrainedModel
  /** The model whose distribution the draft learns. It is not changed. */
  target: PretrainedModel
  /** Conversations to learn, as a source, a mixture of sources (`mix`), or batches that the program makes itself. */
  data: DataSource | Mixture | BatchStream
  loss: DistillationLoss
}

/** White-box distillation: the loss between the draft's distribution p and the target's q at every position that counts. */
export function distillation(draft: PretrainedModel, target: PretrainedModel, loss: DistillationLoss): Objective {
  const flat = (logits: Tensor) => logits.reshape([logits.size / logits.shape.at(-1)!, logits.shape.at(-1)!])
  const both = (parameters: Record<string, Tensor>, { tokens }: DeviceBatch) => ({
    draftLogits: flat(llamaLogits(draft.config, parameters, tokens)), // [positions, draft vocabulary]
    targetLogits: flat(target.model.forward(tokens)), // [positions, target vocabulary]
  })
  return {
    name: `distill ${loss.name}`,
    loss(parameters, batch) {
      const { labels, mask, length, seed } = batch
      const { value, acceptanceRate, statistics } = distillationLoss(loss, {
        ...both(parameters, batch),
        labels,
        mask,
        sequenceLength: length,
        seed,
      })
      return { value, aux: acceptanceRate ? { ...statistics, acceptance_rate: acceptanceRate } : statistics }
    },
    measure(parameters, batch) {
      const { draftLogits, targetLogits } = both(parameters, batch)
      return {
        losses: crossEntropy(draftLogits, batch.labels),
        acceptanceRates: acceptanceRates(draftLogits, targetLogits),
      }
    },
  }
}

/**
 * Fine-tunes the draft, in place, towards the target's distribution on `data` (the paper: the target's own answers mixed
 * 9 : 1 with pretraining text).
 *
 * @throws OutriderError VOCABULARY_MISMATCH where the two have different tokenizers
 */
export async function distill({ draft, target, data, loss, ...options }: DistillationOptions): Promise<TrainingResult> {
  compareVocabularies(target, draft)
  return train(draft, distillation(draft, target, loss), await streamOf(data, target, options), options)
}
