import { familyOf } from '../config/families/index'
import { configToJson, generationConfigToJson } from '../config/index'
import { type Directory, directory, floatsToStored, writeShardedSafetensors } from '../files/index'
import { saveTokenizer } from '../tokenizer/index'
import { joinParameters } from './joined-weights'
import type { PretrainedModel } from './pretrained-model'

export interface SaveOptions {
  /** Element type of the stored weights; F16 and BF16 are rounded to nearest. Default F32, which is exact. */
  dtype?: 'F32' | 'F16' | 'BF16'
  /** Larger models are split into shards of at most this. Default 5 GB. */
  maxShardBytes?: number
}

const torchDtypes = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' }

/**
 * Writes a model as a plain Hugging Face directory, which transformers and vLLM load as it is. Each file appears whole or
 * not at all; weights are read from the device one tensor at a time. The same weights give the same bytes.
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
  await writeShardedSafetensors(files, tensors, maxShardBytes === undefined ? {} : { maxShardBytes })
  await saveTokenizer(files, tokenizer, chatTemplate)
  await files.write('generation_config.json', json(generationConfigToJson(generationConfig)))
  // Last: a directory without config.json is no model yet.
  await files.write('config.json', json({ ...configToJson(config), torch_dtype: torchDtypes[dtype] }))
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
