import type { Device } from '@outrider/tensor'
import type { ModelConfig } from '../config/index'
import { Llama } from '../model/index'
import { byteTokenizer } from '../tokenizer/index'
import { type PretrainedModel, pretrainedModel } from './pretrained-model'

/** The sizes of a Llama over bytes, of a few thousand weights: tests of every package say beside it what theirs has of its own. */
export const tinyConfig = {
  architecture: 'llama',
  vocabularySize: 258,
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 8,
  contextLength: 64,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-5,
  tieWordEmbeddings: true,
  bosTokenId: 256,
  eosTokenIds: [],
  initializerRange: 0.1,
} as const satisfies ModelConfig

/** A random model of these sizes, with the tokenizer of bytes; it never ends an answer unless `eosTokenIds` says so. */
export function tinyModel(
  device: Device,
  { seed = 3, ...fields }: Partial<ModelConfig> & { seed?: number } = {},
): PretrainedModel {
  const config: ModelConfig = { ...tinyConfig, ...fields }
  return pretrainedModel(Llama.initialize(device, config, { seed }), {
    tokenizer: byteTokenizer(),
    generationConfig: { bosTokenId: tinyConfig.bosTokenId, eosTokenIds: config.eosTokenIds },
    source: `tiny, seed ${seed}`,
  })
}

/** A weight of every tiny model. */
export const tinyWeight = 'model.layers.0.mlp.down_proj.weight'

/** One number of a weight becomes one that is none. */
export async function poison(
  { model }: PretrainedModel,
  { weight = tinyWeight, place = 7, value = Number.NaN } = {},
): Promise<void> {
  const tensor = model.parameters[weight]!
  const values = (await tensor.data()) as Float32Array
  values[place] = value
  tensor.write(values)
}
