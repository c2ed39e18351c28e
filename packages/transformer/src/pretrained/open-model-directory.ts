import type { OutriderError } from '@outrider/tensor'
import { familyOf } from '../config/families/index'
import { parseConfig, parseGenerationConfig } from '../config/index'
import { type Directory, type OnWarning, readJson } from '../files/index'
import { adapterFile, refuseAdapter } from '../files/other-models'
import { parameterShapes } from '../model/index'
import { loadTokenizer } from '../tokenizer/index'
import { readDraftVocabulary } from './draft-vocabulary'
import { endsOfText } from './ends-of-text'
import { notAModel } from './not-a-model'
import type { OpenedModel, SpeakerFiles } from './opened-model'
import { isSpareTensor } from './spare-tensors'
import { resolveTiedHead } from './tied-head'
import { modelWeights } from './weights'

/** Opens a Hugging Face directory. */
export async function openModelDirectory(files: Directory, onWarning?: OnWarning): Promise<OpenedModel> {
  await assertModel(files)
  const file = `${files.name}/config.json`
  const said = parseConfig(await readJson(files, 'config.json'), file, onWarning)
  const generationFile = 'generation_config.json'
  const generationJson = (await files.has(generationFile)) ? await readJson(files, generationFile) : undefined
  const stored = await modelWeights(files, { joined: familyOf(said).joined }, parameterShapes(said))
  const { config, weights } = await resolveTiedHead(said, stored, file, onWarning)
  const generationConfig = parseGenerationConfig(generationJson, config, `${files.name}/${generationFile}`, onWarning)
  return {
    config,
    source: files.name,
    ...(await loadTokenizer(files, onWarning)),
    generationConfig,
    weights,
    coveredIds: await readDraftVocabulary(files, { ...config, eosTokenIds: endsOfText({ config, generationConfig }) }),
    disregarded: isSpareTensor,
  }
}

/** Of a Hugging Face directory what is read to speak as the model does: its weights need not be there. */
export async function openSpeakerDirectory(files: Directory, onWarning?: OnWarning): Promise<SpeakerFiles> {
  await assertModel(files)
  const config = parseConfig(await readJson(files, 'config.json'), `${files.name}/config.json`, onWarning)
  const file = 'generation_config.json'
  const json = (await files.has(file)) ? await readJson(files, file) : undefined
  const generationConfig = parseGenerationConfig(json, config, `${files.name}/${file}`, onWarning)
  return { config, source: files.name, ...(await loadTokenizer(files, onWarning)), generationConfig }
}

async function assertModel(files: Directory): Promise<void> {
  const listing = files.list().catch((error: OutriderError) => error)
  if (await files.has('config.json')) {
    const names = await listing
    if (Array.isArray(names)) await refuseAdapter(files, names)
    return
  }
  const names = await listing
  // A web server lists nothing; what it answers for the file says more.
  if (!Array.isArray(names) && names.code === 'UNSUPPORTED') {
    const size = files.size('config.json')
    size.catch(() => undefined)
    const isAdapter = await files.has(adapterFile).catch(() => false)
    if (!isAdapter) await size
    throw await notAModel(files, isAdapter ? [adapterFile] : undefined)
  }
  throw await notAModel(files, Array.isArray(names) ? names : undefined)
}
