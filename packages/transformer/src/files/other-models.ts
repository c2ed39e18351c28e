import { OutriderError } from '@outrider/tensor'
import type { Directory } from './directory'
import type { Instead } from './instead'
import { readJson } from './json'

const convert = 'convert it: load it with transformers, and save it with save_pretrained.'

/** Models in forms that are not read, by the names of their files. */
const forms: readonly { what: string; names: RegExp; remedy: string }[] = [
  {
    what: 'an unfinished download or save',
    names: /\.(incomplete|part|partial|crdownload|aria2|download|!qb)$|^\..+\.tmp$/i,
    remedy: 'Let it end, or start it again.',
  },
  {
    what: 'weights as PyTorch saves them',
    names: /^(pytorch_)?model.*\.(bin|pt|pth|ckpt)$|^pytorch_model.*\.index\.json$/i,
    remedy: `Get the model as safetensors, or ${convert}`,
  },
  {
    what: 'a model in the form of its first release',
    names: /^(consolidated\..*|params\.json|tokenizer\.model\.v\d.*)$/i,
    remedy: 'Get it in the form of Hugging Face (with config.json and model.safetensors), or as GGUF.',
  },
  {
    what: 'weights of TensorFlow, Flax, ONNX, MLX or another framework',
    names: /\.(h5|msgpack|onnx|onnx_data|npz|tflite|mlmodel|mlpackage|pb|nemo|keras|pdparams|mar|bin|pt|pth|ckpt)$/i,
    remedy: `Get the model as safetensors, or ${convert}`,
  },
]

/** What a directory holds in place of weights that are read; undefined where it says nothing. */
export async function otherModelIn(files: Directory, names: readonly string[]): Promise<Instead | undefined> {
  if (names.includes(adapterFile)) return adapter(files)
  for (const name of ['config.json', 'model.safetensors'])
    if (names.includes(name) && !(await files.has(name)))
      return {
        what: `a ${name} that leads to where no file is`,
        remedy:
          'It is a link whose target is gone, as of a cache that was cleared, or copied without its blobs: download it again.',
      }
  const gguf = names.find((name) => /\.gguf$/i.test(name))
  if (gguf !== undefined)
    return { what: `a GGUF file, ${gguf}`, remedy: `Give the path of the GGUF file in it: ${files.name}/${gguf}.` }
  for (const { what, names: known, remedy } of forms) {
    const found = names.find((name) => known.test(name))
    if (found !== undefined) return { what: `${what}, ${found}`, remedy }
  }
  const other = names.find((name) => name.endsWith('.safetensors'))
  if (other !== undefined)
    return { what: other, remedy: 'Where that is the whole of the weights, name it model.safetensors.' }
  return undefined
}

export const adapterFile = 'adapter_config.json'

/** What an adapter is of, and what to do with it. */
export async function adapter(files: Directory): Promise<Instead> {
  const json = await readJson(files, adapterFile).catch(() => undefined)
  const base = (json as { base_model_name_or_path?: unknown } | null | undefined)?.base_model_name_or_path
  const of = typeof base === 'string' && base !== '' ? ` of ${JSON.stringify(base)}` : ''
  return {
    what: `an adapter${of} (${adapterFile})`,
    remedy:
      'Merge it into its base model and save that: with PEFT, AutoPeftModelForCausalLM.from_pretrained(…).merge_and_unload().save_pretrained(…).',
  }
}

/**
 * Refuses an adapter beside whole weights: transformers would load its base model, and add it.
 *
 * @throws OutriderError UNSUPPORTED
 */
export async function refuseAdapter(files: Directory, names: readonly string[]): Promise<void> {
  const weights = names.find((name) => /^adapter_model\.(safetensors|bin)$/.test(name))
  if (weights === undefined || !names.includes(adapterFile)) return
  const { what, remedy } = await adapter(files)
  throw new OutriderError('UNSUPPORTED', `${files.name} has ${what}, which other loaders add to the weights.`, {
    remedy: `${remedy} Where these weights are merged already, remove ${weights} and ${adapterFile}.`,
    details: { directory: files.name, file: adapterFile },
  })
}
