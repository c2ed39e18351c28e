import type { BatchStream, DataSource, Mixture } from '@outrider/dataset'
import { distillationLossOfHeads, type HeadInputs, labelCrossEntropy } from '@outrider/losses'
import {
  type LlamaForwardOptions,
  llamaHidden,
  type ModelConfig,
  type Parameters,
  type PretrainedModel,
} from '@outrider/transformer'
import { headOf } from './head'
import type { DeviceBatch, Objective } from './objective'
import { type BatchSettings, streamOf } from './stream-of'
import { type TrainingOptions, type TrainingResult, train } from './train'

/** Next-token cross-entropy: the mean of −ln p(label) over the positions that count. */
export function nextToken(config: ModelConfig, options?: LlamaForwardOptions): Objective {
  const inputs = (parameters: Parameters, { tokens, labels, mask }: DeviceBatch): HeadInputs => ({
    draft: headOf(config, parameters, llamaHidden(config, parameters, tokens, options)),
    labels,
    mask,
  })
  return {
    name: 'next-token',
    loss: (parameters, batch) => {
      const { value } = distillationLossOfHeads(labelCrossEntropy, inputs(parameters, batch))
      return { value, aux: {} }
    },
    measure: (parameters, batch) => labelCrossEntropy.rows(inputs(parameters, batch)),
  }
}

/** Pretrains a draft, in place, on text with next-token cross-entropy: a source, a mixture, or batches made elsewhere. */
export async function pretrain(
  draft: PretrainedModel,
  data: DataSource | Mixture | BatchStream,
  options: TrainingOptions & BatchSettings,
): Promise<TrainingResult> {
  return train(draft, nextToken(draft.config, options), await streamOf(data, draft, options), options)
}
