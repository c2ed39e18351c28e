import { type Device, OutriderError } from '@outrider/tensor'
import { parseConfig, parseGenerationConfig } from '../config/index'
import { type Directory, directory, readJson } from '../files/index'
import { Llama, llamaParameterShapes } from '../model/index'
import { loadTokenizer } from '../tokenizer/index'
import { type PretrainedModel, pretrainedModel } from './pretrained-model'
import { type LoadProgress, loadParameters, modelWeights } from './weights'

export interface LoadOptions {
  /** Where the weights go. */
  device: Device
  /** Called after every tensor. */
  onProgress?: ((progress: LoadProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

/**
 * Loads a causal language model with its tokenizer from a Hugging Face directory: config.json, model.safetensors (or shards
 * with their index) in F32, F16 or BF16, tokenizer.json, and where they are, tokenizer_config.json, chat_template.jinja
 * and generation_config.json. The weights are f32 on the device. The caller disposes of the model.
 *
 * @param source  a path (Node) or a Directory: `urlDirectory('https://huggingface.co/…/resolve/main')`, for one
 * @throws OutriderError FILE_MISSING, FILE_FORMAT, UNSUPPORTED, ABORTED
 */
export async function loadCausalLM(
  source: string | Directory,
  { device, onProgress, signal }: LoadOptions,
): Promise<PretrainedModel> {
  const files = await modelDirectory(source)
  const config = parseConfig(await readJson(files, 'config.json'), `${files.name}/config.json`)
  const { tokenizer, chatTemplate } = await loadTokenizer(files)
  const generationFile = 'generation_config.json'
  const generationJson = (await files.has(generationFile)) ? await readJson(files, generationFile) : undefined
  const generationConfig = parseGenerationConfig(generationJson, config, `${files.name}/${generationFile}`)
  const weights = await modelWeights(files, config)
  const parameters = await loadParameters(device, weights, llamaParameterShapes(config), {
    disregarded: (name) => isDisregarded(name, config.tieWordEmbeddings),
    onProgress,
    signal,
  })
  const model = new Llama(device, config, parameters)
  return pretrainedModel(model, {
    tokenizer,
    ...(chatTemplate ? { chatTemplate } : {}),
    generationConfig,
    source: files.name,
  })
}

/** Old checkpoints store the rotary frequencies, and some store the tied head a second time. */
const isDisregarded = (name: string, tied: boolean): boolean =>
  name.endsWith('.rotary_emb.inv_freq') || (tied && name === 'lm_head.weight')

/** The directory that a source stands for. Other kinds of source (the names of a model hub) find their directory here. */
async function modelDirectory(source: string | Directory): Promise<Directory> {
  const files = typeof source === 'string' ? directory(source) : source
  if (await files.has('config.json')) return files
  const isThere = typeof source !== 'string' || (await files.list().then(Boolean, () => false))
  throw new OutriderError(
    'FILE_MISSING',
    isThere
      ? `${files.name} has no config.json, so it is not a model directory.`
      : `There is no model directory ${files.name}.`,
    {
      remedy:
        'Give the path of a Hugging Face model directory; a model of the Hub is downloaded with: npx @huggingface/hub download, huggingface-cli download, or git clone.',
      details: { directory: files.name, file: 'config.json' },
    },
  )
}
