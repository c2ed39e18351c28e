import { OutriderError, type Tensor } from '@outrider/tensor'
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
 * @throws OutriderError FILE_WRITE
 */
export async function saveCausalLM(
  pretrained: PretrainedModel,
  target: string | Directory,
  options: SaveOptions = {},
): Promise<void> {
  const { model, config, tokenizer, chatTemplate, generationConfig } = pretrained
  const { dtype = 'F32', maxShardBytes } = options
  const files = typeof target === 'string' ? directory(target) : target
  const tensors = joinParameters(model.parameters, familyOf(config).joined).map(({ name, shape, parts }) => ({
    name,
    dtype,
    shape,
    bytes: async () => joinBytes(await Promise.all(parts.map(async (part) => storedBytes(part, dtype)))),
  }))
  await writeShardedSafetensors(files, tensors, maxShardBytes === undefined ? {} : { maxShardBytes })
  await saveTokenizer(files, tokenizer, chatTemplate)
  await files.write('generation_config.json', json(generationConfigToJson(generationConfig)))
  // Last: a directory without config.json is no model yet.
  await files.write('config.json', json({ ...configToJson(config), torch_dtype: torchDtypes[dtype] }))
}

async function storedBytes(tensor: Tensor, dtype: 'F32' | 'F16' | 'BF16'): Promise<Uint8Array> {
  const values = await tensor.data()
  if (values instanceof Float32Array) return floatsToStored(values, dtype)
  throw new OutriderError('DTYPE_MISMATCH', 'saveCausalLM: a parameter is not made of floating-point numbers.')
}

function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!
  const all = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0))
  let offset = 0
  for (const part of parts) {
    all.set(part, offset)
    offset += part.length
  }
  return all
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
