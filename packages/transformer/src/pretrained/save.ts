import { familyOf } from '../config/families/index'
import { configToJson, generationConfigToJson } from '../config/index'
import { type Directory, directory, floatsToStored, writeShardedSafetensors } from '../files/index'
import { replacedTogether } from '../files/replaced-together'
import { saveTokenizer } from '../tokenizer/index'
import { joinParameters } from './joined-weights'
import { isModelFile } from './model-files'
import type { PretrainedModel } from './pretrained-model'

export interface SaveOptions {
  /** Element type of the stored weights; F16 and BF16 are rounded to nearest. Default F32, which is exact. */
  dtype?: 'F32' | 'F16' | 'BF16'
  /** Larger models are split into shards of at most this. Default 5 GB. */
  maxShardBytes?: number
}

const torchDtypes = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' }

/**
 * Writes a model as a plain Hugging Face directory, which transformers and vLLM load as it is. Weights are read from the device
 * one tensor at a time. The same weights give the same bytes. A model that was there is replaced when all of the new one is
 * written, and nothing of it is left (shards, a chat template); cut short, the old one or the new one is whole, or there is no
 * config.json. Files of other names stay.
 *
 * @throws OutriderError UNSUPPORTED for weights that the dtype cannot hold, or that are no numbers; FILE_WRITE
 */
export async function saveCausalLM(
  pretrained: PretrainedModel,
  target: string | Directory,
  options: SaveOptions = {},
): Promise<void> {
  const { model, config, tokenizer, chatTemplate, generationConfig } = pretrained
  const { dtype = 'F32', maxShardBytes } = options
  const files = typeof target === 'string' ? directory(target) : target
  const tensors = joinParameters(model.parameters, familyOf(config).joined).map(({ name, shape, values }) => ({
    name,
    dtype,
    shape,
    bytes: async () => floatsToStored(await values(), dtype, { tensor: `Tensor "${name}"` }),
  }))
  await replacedTogether(files, { last: 'config.json', isOfSet: isModelFile }, async (into) => {
    await writeShardedSafetensors(into, tensors, maxShardBytes === undefined ? {} : { maxShardBytes })
    await saveTokenizer(into, tokenizer, chatTemplate)
    await into.write('generation_config.json', json(generationConfigToJson(generationConfig)))
    // Last: a directory without config.json is no model yet.
    await into.write('config.json', json({ ...configToJson(config), torch_dtype: torchDtypes[dtype] }))
  })
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
