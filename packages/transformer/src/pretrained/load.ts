import { type Device, OutriderError } from '@outrider/tensor'
import { type Directory, directory } from '../files/index'
import { Llama, llamaParameterShapes } from '../model/index'
import { openGgufModel } from './gguf/open-gguf-model'
import { openModelDirectory } from './open-model-directory'
import type { OpenedModel } from './opened-model'
import { type PretrainedModel, pretrainedModel } from './pretrained-model'
import { type LoadProgress, loadParameters } from './weights'

export interface LoadOptions {
  /** Where the weights go. */
  device: Device
  /** A GGUF file in a Directory. A path says it itself. */
  file?: string | undefined
  /** Called after every tensor. */
  onProgress?: ((progress: LoadProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

/**
 * Loads a causal language model with its tokenizer:
 *
 * - from a Hugging Face directory: config.json, model.safetensors (or shards with their index) in F32, F16 or BF16,
 *   tokenizer.json, and where they are, tokenizer_config.json, chat_template.jinja and generation_config.json;
 * - from a GGUF file, which holds all of that: F32, F16, BF16, Q8_0, Q4_0, Q4_K and Q6_K.
 *
 * The weights are f32 on the device. The caller disposes of the model.
 *
 * @param source  a path (Node), of a directory or of a .gguf file, or a Directory:
 *   `urlDirectory('https://huggingface.co/…/resolve/main')`, for one
 * @throws OutriderError FILE_MISSING, FILE_FORMAT, UNSUPPORTED, ABORTED
 */
export async function loadCausalLM(
  source: string | Directory,
  { device, file, onProgress, signal }: LoadOptions,
): Promise<PretrainedModel> {
  const { config, weights, disregarded, ...rest } = await openCausalLM(source, { file })
  const parameters = await loadParameters(device, weights, llamaParameterShapes(config), {
    disregarded,
    onProgress,
    signal,
  })
  return pretrainedModel(new Llama(device, config, parameters), { ...rest, source: weights.where })
}

/**
 * Opens a model without loading it: its configuration, tokenizer, and what its weights are. Only headers are read.
 *
 * @throws OutriderError as `loadCausalLM`
 */
export async function openCausalLM(
  source: string | Directory,
  { file }: Pick<LoadOptions, 'file'> = {},
): Promise<OpenedModel> {
  const place = typeof source === 'string' ? placeOf(source, file) : { files: source, file }
  return place.file ? openGgufModel(place.files, place.file) : openModelDirectory(place.files)
}

/** A path of a .gguf file is its folder and its name. */
function placeOf(path: string, file: string | undefined): { files: Directory; file: string | undefined } {
  if (file !== undefined || !/\.gguf$/i.test(path)) return { files: directory(path), file }
  const at = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
  if (at === path.length - '.gguf'.length - 1)
    throw new OutriderError('INVALID_ARGUMENT', `"${path}" is not the path of a model.`)
  return { files: directory(at < 0 ? '.' : path.slice(0, Math.max(at, 1))), file: path.slice(at + 1) }
}
