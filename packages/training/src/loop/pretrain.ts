import type { BatchStream, DataSource, Mixture } from '@outrider/dataset'
import { crossEntropy, multiply, sum, type Tensor } from '@outrider/tensor'
import { llamaLogits, type ModelConfig, type PretrainedModel } from '@outrider/transformer'
import type { DeviceBatch, Objective } from './objective'
import { type BatchSettings, streamOf } from './stream-of'
import { type TrainingOptions, type TrainingResult, train } from './train'

/** Next-token cross-entropy: the mean of −ln p(label) over the positions that count. */
export function nextToken(config: ModelConfig): Objective {
  const losses = (parameters: Record<string, Tensor>, { tokens, labels }: DeviceBatch) => {
    const logits = llamaLogits(config, parameters, tokens) // [batch, length, vocabulary]
    return crossEntropy(logits.reshape([labels.size, config.vocabularySize]), labels) // [positions]
  }
  return {
    name: 'next-token',
    loss: (parameters, batch) => ({
      value: multiply(sum(multiply(losses(parameters, batch), batch.mask)), 1 / batch.count),
      aux: {},
    }),
    measure: (parameters, batch) => ({ losses: losses(parameters, batch) }),
  }
}

/** Pretrains a draft, in place, on text with next-token cross-entropy: a source, a mixture, or batches made elsewhere. */
export async function pretrain(
  draft: PretrainedModel,
  data: DataSource | Mixture | BatchStream,
  options: TrainingOptions & BatchSettings,
): Promise<TrainingResult> {
  return train(draft, nextToken(draft.config), await streamOf(data, draft, options), options)
}
