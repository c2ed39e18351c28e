import { join } from 'node:path'
import type { Device } from '@outrider/tensor'
import { testData } from '@outrider/test-data'
import { type Directory, directory, loadCausalLM, type PretrainedModel, saveGguf } from '@outrider/transformer'
import { withWideHeads } from './wide-heads'

/** stories260K, a Llama that was trained on small stories, as a chat model that goes on with what it is told, in the forms that engines read. */
export interface Models {
  /** As it is. */
  folder: string
  /** With heads of 32 in place of 8. */
  wide: string
  /** As files of llama.cpp. */
  gguf: { f32: string; quantised: string }
}

const template = "{{ bos_token }}{% for message in messages %}{{ message['content'] }}{% endfor %}"

/** Writes them into a folder. */
export async function writeModels(device: Device, into: string): Promise<Models> {
  const models: Models = {
    folder: join(into, 'stories'),
    wide: join(into, 'wide'),
    gguf: { f32: join(into, 'f32.gguf'), quantised: join(into, 'quantised.gguf') },
  }
  const stories = directory(testData('stories260K'))
  const folder = directory(models.folder)
  for (const file of ['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json'])
    await folder.write(file, await stories.read(file))
  await folder.write('tokenizer_config.json', await tokenizerConfig(stories))
  await withWideHeads(folder, directory(models.wide), 4)
  const model = await loadCausalLM(models.folder, { device, dtype: 'f32' })
  await saveGguf(model, into, { file: 'f32.gguf', dtype: 'F32' })
  await saveGguf(model, into, { file: 'quantised.gguf', dtype: 'Q4_0' })
  model.dispose()
  return models
}

/** With a template, and of no class: transformers would build a tokenizer by the class rather than by the file. */
async function tokenizerConfig(of: Directory): Promise<Uint8Array> {
  const config = JSON.parse(new TextDecoder().decode(await of.read('tokenizer_config.json')))
  const tokenizer_class = 'PreTrainedTokenizerFast'
  return new TextEncoder().encode(JSON.stringify({ ...config, tokenizer_class, chat_template: template }))
}

/** The same model here: what engines are compared with. Its answers are drawn by its name, too, which is the same in every run. */
export async function openModel(device: Device, models: Models, which: 'f32' | 'quantised'): Promise<PretrainedModel> {
  const model =
    which === 'f32'
      ? await loadCausalLM(models.folder, { device, dtype: 'f32' })
      : await loadCausalLM(models.gguf.quantised, { device })
  return { ...model, source: 'stories260K' }
}
