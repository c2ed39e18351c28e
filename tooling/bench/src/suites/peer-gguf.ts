import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Device } from '@outrider/tensor'
import { anyText, testData } from '@outrider/test-data'
import {
  directory,
  loadCausalLM,
  type ModelConfig,
  type PretrainedModel,
  pretrainedModel,
  saveCausalLM,
  saveGguf,
  Tokenizer,
} from '@outrider/transformer'
import { openGguf } from '../../../../packages/transformer/src/files/gguf/read'
import { randomised } from '../../../../packages/transformer/src/model/randomised.fixture'
import { llamaCpp } from '../../../../packages/transformer/src/pretrained/gguf/llama-cpp.fixture'
import { logProbabilities } from '../../../../packages/transformer/src/pretrained/gguf/log-probabilities.fixture'
import { ggufTokenizer } from '../../../../packages/transformer/src/tokenizer/gguf/from-gguf'
import type { Row, Suite } from '../suite'

const texts = 1500
const ids = [5, 20, 7, 100, 3, 250, 9, 11, 40, 2]

/**
 * What is written as GGUF, as others read it: of 1,500 texts of any characters, how many have other ids in llama.cpp; how far
 * its log-probabilities are (2e-3 at most, in f32); and by gguf-py, how far weights are from what was meant (1e-5 at most).
 *
 * Tokenizers of your own: OUTRIDER_TOKENIZERS, folders with a tokenizer.json or GGUF files. Weights, and the ids of
 * transformers from the directory that the same model is saved as, are compared if OUTRIDER_PYTHON is a Python with gguf,
 * safetensors and transformers.
 */
export const peerGguf: Suite = {
  name: 'peer-gguf',
  summary: 'GGUF that is written, as llama.cpp and gguf-py read it (OUTRIDER_TOKENIZERS, OUTRIDER_PYTHON)',
  async run({ device, note }) {
    const folder = await mkdtemp(join(tmpdir(), 'outrider-bench-'))
    try {
      const rows: Row[] = []
      for (const path of paths()) {
        note(path)
        rows.push(await tokenizerRow(path, device, folder))
      }
      const stories = await loadCausalLM(testData('stories260K'), { device })
      for (const [name, model] of models(stories))
        for (const dtype of ['F32', 'F16', 'Q8_0', 'Q4_0'] as const) {
          note(`${name}, ${dtype}`)
          rows.push(await modelRow(`${name}, ${dtype}`, model, { dtype, folder }))
        }
      return rows
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

function paths(): string[] {
  const known = ['llama-spm', 'phi-3', 'gpt-2', 'falcon'].map((name) => testData(`vocabularies/${name}.gguf`))
  const own = (process.env.OUTRIDER_TOKENIZERS ?? '').split(delimiter).filter((path) => path !== '')
  return [testData('stories260K'), ...known, ...own]
}

async function tokenizerOf(path: string): Promise<Tokenizer> {
  if (path.endsWith('.gguf')) return ggufTokenizer(await openGguf(directory(dirname(path)), basename(path))).tokenizer
  const text = (file: string) => (existsSync(join(path, file)) ? readFileSync(join(path, file), 'utf8') : '{}')
  return Tokenizer.fromJson(text('tokenizer.json'), text('tokenizer_config.json'))
}

async function tokenizerRow(path: string, device: Device, folder: string): Promise<Row> {
  const tokenizer = await tokenizerOf(path)
  const end = tokenizer.tokenToId(tokenizer.named.eos_token ?? '') ?? 0
  const model = pretrainedModel(randomised(device, { ...small, vocabularySize: tokenizer.vocabularySize }, 9), {
    tokenizer,
    generationConfig: { eosTokenIds: [end] },
    source: path,
  })
  try {
    const { differences } = await saveGguf(model, folder, { file: 'm.gguf', acceptDifferences: true })
    const peer = await llamaCpp(join(folder, 'm.gguf'))
    const among = [...tokenizer.specialTokens.keys()]
    const pairs = Array.from({ length: texts }, (_, seed): [string, number[]] => {
      const text = anyText(seed, { among })
      return [text, tokenizer.encode(text, { addSpecialTokens: false })]
    })
    const other = pairs.filter(([text, here]) => here.join() !== peer.tokenize(text, { parseSpecial: true }).join())
    await peer.dispose()
    return {
      what: basename(path),
      texts,
      other_ids: other.length,
      told: differences.length,
      ...(await idsOfTransformers(model, pairs, folder)),
    }
  } catch (error) {
    return { what: basename(path), refused: (error as Error).message.slice(0, 100) }
  } finally {
    model.dispose()
  }
}

/** How many texts have other ids in transformers, of the directory that the model is saved as. */
async function idsOfTransformers(model: PretrainedModel, pairs: [string, number[]][], folder: string): Promise<Row> {
  if (!python) return {}
  const [saved, file] = [join(folder, 'tokenized'), join(folder, 'texts.json')]
  await saveCausalLM(model, saved)
  await writeFile(file, JSON.stringify(pairs))
  const { stdout } = await run(python, [script('transformers_ids.py'), saved, file])
  return { other_in_transformers: Number(stdout) }
}

const python = process.env.OUTRIDER_PYTHON
const run = promisify(execFile)
const script = (name: string) => fileURLToPath(new URL(`../../peers/${name}`, import.meta.url))

const small: ModelConfig = {
  architecture: 'llama',
  vocabularySize: 512,
  hiddenSize: 32,
  intermediateSize: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  contextLength: 128,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-5,
  tieWordEmbeddings: false,
  eosTokenIds: [2],
  initializerRange: 0.3,
}

/** A model of each architecture of llama.cpp. */
function* models(stories: PretrainedModel): Generator<readonly [string, PretrainedModel]> {
  yield ['stories260K', stories]
  const families: readonly Partial<ModelConfig>[] = [
    { architecture: 'llama', attentionBias: 'all', tieWordEmbeddings: true },
    { architecture: 'mistral' },
    { architecture: 'qwen2', attentionBias: 'qkv' },
    { architecture: 'qwen3', qkNorm: 'head', headDim: 16 },
    { architecture: 'phi3' },
  ]
  for (const family of families)
    yield [
      family.architecture!,
      pretrainedModel(randomised(stories.model.device, { ...small, ...family }, 9), { ...stories, source: 'random' }),
    ]
}

async function modelRow(
  what: string,
  model: PretrainedModel,
  { dtype, folder }: { dtype: 'F32' | 'F16' | 'Q8_0' | 'Q4_0'; folder: string },
): Promise<Row> {
  await saveGguf(model, folder, { file: 'm.gguf', dtype })
  const peer = await llamaCpp(join(folder, 'm.gguf'))
  const theirs = await peer.logProbabilities(ids)
  await peer.dispose()
  let furthest = 0
  for (const [i, row] of (await logProbabilities(model.model, ids)).entries())
    for (const [id, value] of row.entries()) furthest = Math.max(furthest, Math.abs(value - theirs[i]![id]!))
  return { what, log_probability: furthest, ...(await weights(model, folder)) }
}

/** What gguf-py says of the file's weights, where there is one. */
async function weights(model: PretrainedModel, folder: string): Promise<Row> {
  if (!python) return {}
  await saveCausalLM(model, join(folder, 'directory'))
  const { stdout } = await run(python, [script('gguf_weights.py'), join(folder, 'm.gguf'), join(folder, 'directory')])
  const { largest, missing } = JSON.parse(stdout) as { largest: number; missing: string[] }
  return { weight: largest, missing_tensors: missing.length }
}
