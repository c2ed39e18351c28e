import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Device } from '@outrider/tensor'
import { Decoder, loadCausalLM, memoryDirectory, type PretrainedModel, pretrainedModel } from '@outrider/transformer'
import { bundledTarget } from 'outrider/tiny-chat'

const draftFolder = fileURLToPath(new URL('../../../examples/playground/assets/tiny-draft', import.meta.url))

/** The chat model that comes with Outrider: 12 layers of 64, 464 ids, trained on a small world. */
export const tinyTarget = (device: Device): Promise<PretrainedModel> => loadCausalLM(bundledTarget(), { device })

/** The draft that was distilled from it for the playground, one layer of 48; or trimmed to some ids. */
export async function tinyDraft(device: Device, vocabulary?: readonly number[]): Promise<PretrainedModel> {
  const places = {
    'config.json': draftFolder,
    'model.safetensors': draftFolder,
    'tokenizer.json': bundledTarget(),
    'tokenizer_config.json': bundledTarget(),
  }
  const files = Object.entries(places).map(
    async ([file, folder]) => [file, await readFile(`${folder}/${file}`)] as const,
  )
  return loadCausalLM(memoryDirectory(Object.fromEntries(await Promise.all(files)), 'tiny-draft'), {
    device,
    vocabulary,
  })
}

/** The same weights in a longer context: what it says there means nothing, and takes as long. */
export function withContext(target: PretrainedModel, contextLength: number): PretrainedModel {
  const { model, config } = target
  const longer = { ...config, contextLength }
  return pretrainedModel(new Decoder(model.device, longer, model.parameters!), target)
}
