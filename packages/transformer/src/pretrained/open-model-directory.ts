import { OutriderError } from '@outrider/tensor'
import { parseConfig, parseGenerationConfig } from '../config/index'
import { type Directory, type OnWarning, readJson } from '../files/index'
import { loadTokenizer } from '../tokenizer/index'
import type { OpenedModel } from './opened-model'
import { modelWeights } from './weights'

/** Opens a Hugging Face directory. */
export async function openModelDirectory(files: Directory, onWarning?: OnWarning): Promise<OpenedModel> {
  await assertModel(files)
  const config = parseConfig(await readJson(files, 'config.json'), `${files.name}/config.json`)
  const generationFile = 'generation_config.json'
  const generationJson = (await files.has(generationFile)) ? await readJson(files, generationFile) : undefined
  return {
    config,
    source: files.name,
    ...(await loadTokenizer(files, onWarning)),
    generationConfig: parseGenerationConfig(generationJson, config, `${files.name}/${generationFile}`, onWarning),
    weights: await modelWeights(files, config),
    // Old checkpoints store the rotary frequencies, and some store the tied head a second time.
    disregarded: (name) =>
      name.endsWith('.rotary_emb.inv_freq') || (config.tieWordEmbeddings && name === 'lm_head.weight'),
  }
}

async function assertModel(files: Directory): Promise<void> {
  if (await files.has('config.json')) return
  const names = await files.list().catch(async (error: OutriderError) => {
    // A web server lists nothing; what it answers for the file says more.
    if (error.code === 'UNSUPPORTED') await files.size('config.json')
    return undefined
  })
  const gguf = names?.find((name) => name.endsWith('.gguf'))
  throw new OutriderError(
    'FILE_MISSING',
    names
      ? `${files.name} has no config.json, so it is not a model directory.`
      : `There is no model directory ${files.name}.`,
    {
      remedy: gguf
        ? `Give the path of the GGUF file in it: ${files.name}/${gguf}.`
        : 'Give the path of a Hugging Face model directory or of a .gguf file; a model of the Hub is downloaded with: npx @huggingface/hub download, huggingface-cli download, or git clone.',
      details: { directory: files.name, file: 'config.json' },
    },
  )
}
