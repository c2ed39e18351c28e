import type { Device } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import type { LayerType, ModelConfig } from '../config/index'
import { randomised } from '../model/randomised.fixture'
import { stories } from '../stories.fixture'
import { type PretrainedModel, pretrainedModel } from './pretrained-model'

/** A small model of any family with random weights, norms and biases, and the tokenizer of stories260K. */
export async function randomModel(
  fields: Partial<ModelConfig> & { architecture: string },
  device?: Device,
): Promise<PretrainedModel> {
  const base = await stories()
  const sizes = { hiddenSize: 32, intermediateSize: 48, layers: 2, heads: 4, kvHeads: 2, headDim: 8 }
  const config = { ...base.config, ...sizes, tieWordEmbeddings: false, initializerRange: 0.3, ...fields }
  return pretrainedModel(randomised(device ?? (await testDevice()), config, 9), base)
}

/** What a Gemma of `randomModel`'s sizes is, with a window that matters within a few tokens. */
const gemma = {
  normPlacement: 'around' as const,
  normOffset: 1 as const,
  activation: 'gelu_tanh' as const,
  embeddingScale: Math.sqrt(32),
  attentionScale: 1 / Math.sqrt(8),
  tieWordEmbeddings: true,
  slidingWindow: 4,
}

export const smallGemma2 = {
  ...gemma,
  architecture: 'gemma2',
  attentionSoftCap: 2,
  logitSoftCap: 5,
  layerTypes: ['sliding_attention', 'full_attention'] as LayerType[],
}

export const smallGemma3 = {
  ...gemma,
  architecture: 'gemma3_text',
  qkNorm: 'head' as const,
  layers: 3,
  ropeTheta: 1_000_000,
  slidingRope: { ropeTheta: 10_000 },
  layerTypes: ['sliding_attention', 'sliding_attention', 'sliding_attention'] as LayerType[],
}
