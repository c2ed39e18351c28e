import { uniform01 } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import type { ModelConfig } from '../config/index'
import { Llama } from '../model/index'
import { stories } from '../stories.fixture'
import { type PretrainedModel, pretrainedModel } from './pretrained-model'

/** A small model of any family with random weights, norms and biases, and the tokenizer of stories260K. */
export async function randomModel(fields: Partial<ModelConfig> & { architecture: string }): Promise<PretrainedModel> {
  const base = await stories()
  const sizes = { hiddenSize: 32, intermediateSize: 48, layers: 2, heads: 4, kvHeads: 2, headDim: 8 }
  const config = { ...base.config, ...sizes, tieWordEmbeddings: false, initializerRange: 0.3, ...fields }
  const model = Llama.initialize(await testDevice(), config, { seed: 9 })
  for (const [i, [name, tensor]] of Object.entries(model.parameters).entries())
    if (tensor.shape.length === 1) {
      const values = Float32Array.from({ length: tensor.size }, (_, j) => uniform01(i, j) - 0.5)
      tensor.write(name.endsWith('.bias') ? values : values.map((value) => 1 + value))
    }
  return pretrainedModel(model, base)
}
