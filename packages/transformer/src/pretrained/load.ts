import { type Device, OutriderError } from '@outrider/tensor'
import { warnOnConsole } from '../files/file-warning'
import { type Directory, directory, type OnWarning, urlDirectory } from '../files/index'
import { defaultEndpoint, modelOfPage } from '../hub/hub-id'
import { type DownloadProgress, type HubOptions, hubDirectory, parseHubId } from '../hub/index'
import { assertCacheDtype, type CacheDtype, Decoder, parameterShapes } from '../model/index'
import { openGgufModel } from './gguf/open-gguf-model'
import { openModelDirectory, openSpeakerDirectory } from './open-model-directory'
import type { OpenedModel, SpeakerFiles } from './opened-model'
import { type PretrainedModel, pretrainedModel } from './pretrained-model'
import { trimmed } from './trimmed'
import { type LoadDtype, type LoadProgress, loadParameters } from './weights'

export interface LoadOptions {
  /** Where the weights go. */
  device: Device
  /**
   * Element type of the matrices on the device. By default they stay as they are stored, and kernels read them so; what is to
   * be trained must be 'f32'. 'q4_0' makes the embedding and the head q8_0.
   */
  dtype?: LoadDtype | undefined
  /**
   * What its caches keep keys and values in: 'f16' takes half the memory and half the reading, 'q8_0' 28 % of both, of heads of a
   * multiple of 32. It is then another model, by a rounding, and speculation is exact for it as it is. Default 'f32'.
   */
  cacheDtype?: CacheDtype | undefined
  /** A GGUF file in a Directory. A path says it itself. */
  file?: string | undefined
  /**
   * The ids that its head is to cover, ascending (`frequentIds` of `@outrider/dataset`); the ends of text join them. A draft is
   * trimmed to them. Default: those that its directory or file says, or all.
   */
  vocabulary?: readonly number[] | undefined
  /** The hub's address and a token for it. In Node, HF_ENDPOINT and HF_TOKEN where left out. */
  hub?: Pick<HubOptions, 'endpoint' | 'token'> | undefined
  /** Called while files of a hub are downloaded. */
  onDownload?: ((progress: DownloadProgress) => void) | undefined
  /** Called as the weights arrive. */
  onProgress?: ((progress: LoadProgress) => void) | undefined
  /**
   * Called once for each file of which something is passed over that may be meant to count: keys that nobody knows, sampling
   * that is not applied. By default the console warns.
   */
  onWarning?: OnWarning | undefined
  signal?: AbortSignal | undefined
}

/**
 * Loads a causal language model with its tokenizer:
 *
 * - from a Hugging Face directory: config.json, model.safetensors (or shards) in F64, F32, F16, BF16 or F8,
 *   tokenizer.json, and where they are, tokenizer_config.json, chat_template.jinja and generation_config.json;
 * - from a GGUF file, which holds all of that: F32, F16, BF16, Q8_0, Q5_0, Q5_1, Q4_0, Q4_1, IQ4_NL, MXFP4, Q2_K to Q6_K and
 *   IQ4_XS.
 *
 * Weights go to the device a few rows at a time. The caller disposes of the model.
 *
 * @param source  a path (Node) or an address, of a directory or of a .gguf file; `org/name` or `org/name@revision` of a hub
 *   (`hubDirectory` says how it is downloaded; a browser reads it over the network), or `org/name/file.gguf`; or a Directory
 * @throws OutriderError FILE_MISSING, FILE_FORMAT, UNSUPPORTED, NETWORK, ABORTED
 */
export async function loadCausalLM(
  source: string | Directory,
  { device, dtype, cacheDtype, onProgress, ...options }: LoadOptions,
): Promise<PretrainedModel> {
  const { config, weights, disregarded, ...rest } = await openCausalLM(source, options)
  if (cacheDtype) assertCacheDtype(config, cacheDtype, rest.source)
  await weights.keep?.()
  const parameters = await loadParameters(device, weights, parameterShapes(config), {
    disregarded,
    dtype,
    onProgress,
    signal: options.signal,
  })
  return pretrainedModel(new Decoder(device, config, parameters, { cacheDtype }), rest)
}

/**
 * Opens a model without loading it: its configuration, tokenizer, and what its weights are. Only headers are read; and a head
 * beside an embedding that config.json ties it to, as far as it is the same.
 *
 * @throws OutriderError as `loadCausalLM`
 */
export async function openCausalLM(
  source: string | Directory,
  options: Omit<LoadOptions, 'device' | 'dtype' | 'cacheDtype' | 'onProgress'> = {},
): Promise<OpenedModel> {
  const place = typeof source === 'string' ? placeOf(source, options.file) : { folder: source, file: options.file }
  const files = typeof place.folder === 'string' ? await directoryOf(place.folder, options) : place.folder
  const { onWarning = warnOnConsole } = options
  const opened = place.file
    ? await openGgufModel(files, place.file, onWarning)
    : await openModelDirectory(files, onWarning)
  return trimmed(opened, options.vocabulary)
}

/**
 * Opens what of a model is needed to speak as it does: its configuration, tokenizer, chat template and generation settings. A
 * directory needs nothing else, so that a model whose weights are elsewhere can be spoken for.
 *
 * @throws OutriderError as `loadCausalLM`
 */
export async function openSpeaker(
  source: string | Directory,
  options: Omit<LoadOptions, 'device' | 'dtype' | 'cacheDtype' | 'onProgress' | 'vocabulary'> = {},
): Promise<SpeakerFiles> {
  const place = typeof source === 'string' ? placeOf(source, options.file) : { folder: source, file: options.file }
  const files = typeof place.folder === 'string' ? await directoryOf(place.folder, options) : place.folder
  const { onWarning = warnOnConsole } = options
  if (!place.file) return openSpeakerDirectory(files, onWarning)
  const { weights: _, coveredIds: __, disregarded: ___, ...speaker } = await openGgufModel(files, place.file, onWarning)
  return speaker
}

/** A path of a .gguf file is its folder and its name. */
function placeOf(path: string, file: string | undefined): { folder: string; file: string | undefined } {
  if (file !== undefined || !/\.gguf$/i.test(path)) return { folder: path, file }
  const at = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
  if (at === path.length - '.gguf'.length - 1)
    throw new OutriderError('INVALID_ARGUMENT', `"${path}" is not the path of a model.`)
  return { folder: at < 0 ? '.' : path.slice(0, Math.max(at, 1)), file: path.slice(at + 1) }
}

/** What is on this machine comes before what a hub has under the same name. */
async function directoryOf(
  path: string,
  { hub: { endpoint, token } = {}, signal, onDownload }: Omit<LoadOptions, 'device'>,
): Promise<Directory> {
  const model = modelOfPage(path)
  if (model !== undefined)
    throw new OutriderError('INVALID_ARGUMENT', `${path} is a page about a model.`, { remedy: `Give ${model}.` })
  if (/^https?:\/\//.test(path)) return urlDirectory(path, { signal })
  const hub = parseHubId(path)
  if (!hub) return directory(path)
  const isNode = globalThis.process?.getBuiltinModule !== undefined
  if (!isNode)
    return urlDirectory(`${endpoint ?? defaultEndpoint}/${hub.name}/resolve/${encodeURIComponent(hub.revision)}`, {
      signal,
      ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
    })
  const local = directory(path)
  const isHere = await local.list().then(
    () => true,
    // A file is here, too.
    ({ cause }: OutriderError) => (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOTDIR',
  )
  return isHere ? local : hubDirectory(path, { endpoint, token, signal, onDownload })
}
