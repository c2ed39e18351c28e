import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Batch, BatchStream } from '@outrider/dataset'
import { lossByName } from '@outrider/losses'
import type { Device } from '@outrider/tensor'
import { testData } from '@outrider/test-data'
import { distillation, train } from '@outrider/training'
import {
  createDraft,
  generate,
  loadCausalLM,
  type PretrainedModel,
  saveCausalLM,
  saveGguf,
} from '@outrider/transformer'
import type { Row, Suite } from '../suite'

const models = {
  stories260K: testData('stories260K'),
  'tiny-chat': fileURLToPath(new URL('../../../../packages/cli/assets/tiny-chat', import.meta.url)),
}

/** Hashes of logits, answers, training steps and saved files: what a change that only tidies up must leave as it is. */
export const bitsSuite: Suite = {
  name: 'bits',
  summary: 'hashes of logits, answers, training steps and saved files, to be compared before and after a change',
  async run({ device, note }) {
    const rows: Row[] = []
    for (const [model, folder] of Object.entries(models)) {
      const target = await loadCausalLM(folder, { device, dtype: 'f32' })
      const show = (what: string, bytes: Uint8Array | string) => {
        note(`${model}: ${what}`)
        rows.push({ model, of: what, sha1: sha1(bytes) })
      }
      await decoding(device, target, show)
      const draft = createDraft(target, { layers: 2, hiddenSize: 32, heads: 2, seed: 3 })
      for (const loss of ['kld', 'tvd++']) await training(draft, target, loss, show)
      await files(draft, model === 'stories260K', show) // the tokenizer of tiny-chat has no form in GGUF
      draft.dispose()
      target.dispose()
    }
    return rows
  },
}

type Show = (what: string, bytes: Uint8Array | string) => void

const sha1 = (bytes: Uint8Array | string) => createHash('sha1').update(bytes).digest('hex').slice(0, 12)
const bytesOf = (x: ArrayBufferView) => new Uint8Array(x.buffer, x.byteOffset, x.byteLength)

async function decoding(device: Device, target: PretrainedModel, show: Show): Promise<void> {
  const ids = Array.from({ length: 24 }, (_, i) => (i * 37 + 5) % 400)
  const tokens = device.tensor(Uint32Array.from(ids), { shape: [1, ids.length] })
  const logits = target.model.forward(tokens)
  show('logits', bytesOf(await logits.data()))
  logits.dispose()
  tokens.dispose()
  for (const sampling of [{ temperature: 0 }, { temperature: 0.9, topP: 0.9, seed: 7 }]) {
    const answer = await generate(target, ids.slice(0, 12), { maxTokens: 60, ...sampling }).result
    show(`an answer at temperature ${sampling.temperature}`, JSON.stringify(answer.tokens))
  }
}

/** Three steps, the second loss on the draft that the first has trained. */
async function training(draft: PretrainedModel, target: PretrainedModel, loss: string, show: Show): Promise<void> {
  const steps = { steps: 3, learningRate: 1e-2, activationCheckpointing: loss === 'kld' }
  const { history } = await train(draft, distillation(draft, target, lossByName(loss)), batches(), steps)
  show(`the log of ${loss}`, JSON.stringify(history))
  const hash = createHash('sha1')
  for (const parameter of Object.values(draft.model.parameters)) hash.update(bytesOf(await parameter.data()))
  show(`the weights after ${loss}`, hash.digest('hex'))
}

async function files(draft: PretrainedModel, asGguf: boolean, show: Show): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'outrider-bits-'))
  try {
    await saveCausalLM(draft, folder)
    if (asGguf) await saveGguf(draft, folder, { acceptDifferences: true })
    for (const name of (await readdir(folder)).sort()) show(name, await readFile(join(folder, name)))
  } finally {
    await rm(folder, { recursive: true })
  }
}

function batches(): BatchStream {
  let first = 0
  const next = async (): Promise<Batch> => {
    const of = (offset: number) => Uint32Array.from({ length: 64 }, (_, i) => (i * 13 + offset + first) % 400)
    const batch = {
      tokens: of(0),
      labels: of(13),
      lossMask: Float32Array.from({ length: 64 }, (_, i) => (i % 7 ? 1 : 0)),
      batchSize: 2,
      length: 32,
    }
    first++
    return batch
  }
  return { next, state: () => 0, restore: async () => {} }
}
