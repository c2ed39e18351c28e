import { basename, join } from 'node:path'
import type { Device } from '@outrider/tensor'
import { testData } from '@outrider/test-data'
import {
  type Directory,
  directory,
  loadCausalLM,
  type PretrainedModel,
  saveCausalLM,
  saveGguf,
} from '@outrider/transformer'
import { withWideHeads } from './wide-heads'

/** A chat model in the forms that engines read. */
export interface Models {
  /** What answers are drawn by, the same in every run. */
  source: string
  /** As it is. */
  folder: string
  /** With heads of 32 at least. */
  wide: string
  /** As files of llama.cpp. */
  gguf: { f32: string; quantised: string }
}

const template = "{{ bos_token }}{% for message in messages %}{{ message['content'] }}{% endfor %}"

/**
 * Writes them into a folder: of a model of yours, or of stories260K, a Llama that was trained on small stories, which goes on with what
 * it is told.
 */
export async function writeModels(device: Device, into: string, yours?: string): Promise<Models> {
  const gguf = { f32: join(into, 'f32.gguf'), quantised: join(into, 'quantised.gguf') }
  const models =
    yours === undefined
      ? await stories({ source: 'stories260K', folder: join(into, 'stories'), wide: join(into, 'wide'), gguf })
      : { source: basename(yours), folder: join(into, 'model'), wide: join(into, 'model'), gguf }
  const model = await loadCausalLM(yours ?? models.folder, { device, dtype: 'f32' })
  if (yours !== undefined) await saveCausalLM(model, models.folder)
  await saveGguf(model, into, { file: 'f32.gguf', dtype: 'F32' })
  await saveGguf(model, into, { file: 'quantised.gguf', dtype: 'Q4_0' })
  model.dispose()
  return models
}

async function stories(models: Models): Promise<Models> {
  const original = directory(testData('stories260K'))
  const folder = directory(models.folder)
  for (const file of ['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json'])
    await folder.write(file, await original.read(file))
  await folder.write('tokenizer_config.json', await tokenizerConfig(original))
  await withWideHeads(folder, directory(models.wide), 4)
  return models
}

/** With a template, and of no class: transformers would build a tokenizer by the class rather than by the file. */
async function tokenizerConfig(of: Directory): Promise<Uint8Array> {
  const config = JSON.parse(new TextDecoder().decode(await of.read('tokenizer_config.json')))
  const tokenizer_class = 'PreTrainedTokenizerFast'
  return new TextEncoder().encode(JSON.stringify({ ...config, tokenizer_class, chat_template: template }))
}

/** The same model here: what engines are compared with. */
export async function openModel(device: Device, models: Models, which: 'f32' | 'quantised'): Promise<PretrainedModel> {
  const model =
    which === 'f32'
      ? await loadCausalLM(models.folder, { device, dtype: 'f32' })
      : await loadCausalLM(models.gguf.quantised, { device })
  return { ...model, source: models.source }
}
