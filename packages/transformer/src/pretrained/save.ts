import { generationConfigToJson } from '../config/index'
import { type Directory, directory, floatsToStored, writeShardedSafetensors } from '../files/index'
import { refuseAdapter } from '../files/other-models'
import { replacedTogether } from '../files/replaced-together'
import type { TrainableLM } from '../model/index'
import { saveTokenizer } from '../tokenizer/index'
import { type AssistantSettings, withAssistant } from './assistant'
import { draftVocabularyFile, draftVocabularyToJson } from './draft-vocabulary'
import { joinParameters } from './joined-weights'
import { isModelFile } from './model-files'
import type { PretrainedModel } from './pretrained-model'
import { wholeHead } from './trimmed'

export interface SaveOptions {
  /** Element type of the stored weights; F16 and BF16 are rounded to nearest. Default F32, which is exact. */
  dtype?: 'F32' | 'F16' | 'BF16'
  /** Larger models are split into shards of at most this. Default 5 GB. */
  maxShardBytes?: number
  /**
   * An index of a single file of weights, too: where tensors that are not the model's lie beside it, vLLM and SGLang read
   * them all without one. Default false.
   */
  alwaysIndex?: boolean
  /**
   * How transformers drafts with it (`assistant_model`), written into generation_config.json. Default: as it was read.
   */
  assistant?: AssistantSettings | undefined
}

const torchDtypes = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' }

/**
 * Writes a model as a plain Hugging Face directory, which transformers and vLLM load as it is where they know its architecture. Of
 * a head that covers some ids alone, the ids lie beside it (draft_vocabulary.json), and it has a row for every id all the same: that of
 * another is the mean of the covered ones, whose logit is never the greatest. Weights are read from the device
 * one tensor at a time. The same weights give the same bytes. A model that was there is replaced when all of the new one is
 * written, and nothing of it is left (shards, a chat template); cut short, the old one or the new one is whole, or there is no
 * config.json. Files of other names stay.
 *
 * @throws OutriderError INVALID_ARGUMENT for settings out of range; UNSUPPORTED for weights that the dtype cannot hold, or that are no numbers, and where an adapter is there,
 *   which other loaders would add to the model; FILE_WRITE
 */
export async function saveCausalLM(
  pretrained: PretrainedModel<TrainableLM>,
  target: string | Directory,
  options: SaveOptions = {},
): Promise<void> {
  const { model, tokenizer, chatTemplate, generationConfig } = pretrained
  const { stored } = model
  const { dtype = 'F32', maxShardBytes, alwaysIndex, assistant } = options
  const generation = assistant ? withAssistant(generationConfig, assistant) : generationConfig
  const files = typeof target === 'string' ? directory(target) : target
  await refuseAdapter(files, await files.list().catch((): string[] => []))
  const tensors = wholeHead(joinParameters(model.parameters, stored.joined), stored.covered).map(
    ({ name, shape, values }) => ({
      name,
      dtype,
      shape,
      bytes: async () => floatsToStored(await values(), dtype, { tensor: `Tensor "${name}"` }),
    }),
  )
  await replacedTogether(files, { last: 'config.json', isOfSet: isModelFile }, async (into) => {
    await writeShardedSafetensors(into, tensors, { maxShardBytes, alwaysIndex })
    await saveTokenizer(into, tokenizer, chatTemplate)
    await into.write('generation_config.json', json(generationConfigToJson(generation)))
    if (stored.covered) await into.write(draftVocabularyFile, draftVocabularyToJson(stored.covered))
    // Last: a directory without config.json is no model yet.
    await into.write('config.json', json({ ...stored.config, torch_dtype: torchDtypes[dtype] }))
  })
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
