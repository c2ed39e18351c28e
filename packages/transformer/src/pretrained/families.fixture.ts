import { testDevice } from '@outrider/tensor/testing'
import type { ModelConfig } from '../config/index'
import { randomised } from '../model/randomised.fixture'
import { stories } from '../stories.fixture'
import { type PretrainedModel, pretrainedModel } from './pretrained-model'

/** A small model of any family with random weights, norms and biases, and the tokenizer of stories260K. */
export async function randomModel(fields: Partial<ModelConfig> & { architecture: string }): Promise<PretrainedModel> {
  const base = await stories()
  const sizes = { hiddenSize: 32, intermediateSize: 48, layers: 2, heads: 4, kvHeads: 2, headDim: 8 }
  const config = { ...base.config, ...sizes, tieWordEmbeddings: false, initializerRange: 0.3, ...fields }
  return pretrainedModel(randomised(await testDevice(), config, 9), base)
}
