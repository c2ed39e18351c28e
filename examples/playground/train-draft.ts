// Trains the draft that the site ships beside the tiny chat model, as the Align tab would: pretrained on the small world's
// plain text, then distilled on the target's own answers. Writes assets/tiny-draft: its weights as F16 and its config.json;
// tokenizer and chat template are the target's.
//
//   npm run train-draft -- [work folder]     with the same adapter the same bytes; Ctrl-C and again: it goes on

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { generateDataset, jsonl, mix, rows, texts } from '@outrider/dataset'
import { klTvHybrid } from '@outrider/losses'
import { useSoftwareAdapter } from '@outrider/software-adapter'
import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { distill, pretrain, type TrainingProgress } from '@outrider/training'
import { createDraft, directory, loadCausalLM, saveCausalLM } from '@outrider/transformer'
import { bundledTarget, exchanges, plainText } from 'outrider/tiny-chat'

const [work = 'tiny-draft-run'] = process.argv.slice(2)
const out = fileURLToPath(new URL('./assets/tiny-draft', import.meta.url))

await useSoftwareAdapter()
const device = await createDevice({ adapter: nodeAdapter() })
console.log(`Adapter: ${device.adapterName}`)
const target = await loadCausalLM(bundledTarget(), { device })
const draft = createDraft(target, { layers: 1, hiddenSize: 48, heads: 3, intermediateSize: 128, seed: 1 })
const text = texts(plainText({ seed: 201, count: 4000 }))
const training = { batchSize: 8, length: 72, seed: 1, checkpointEvery: 50, keepCheckpoints: 1, resume: true, onStep }

await pretrain(draft, text, { ...training, steps: 300, learningRate: 8e-3, checkpoints: directory(`${work}/pretrain`) })

const answers = `${work}/distillation.jsonl`
if (!existsSync(answers)) {
  const asked = exchanges({ seed: 202, count: 240 })
  let written = 0
  await generateDataset({
    target,
    seeds: rows(
      asked.map(({ prompt }) => ({
        kind: 'conversation',
        messages: [{ role: 'user', content: prompt }],
        metadata: {},
      })),
      'the small world',
    ),
    temperatures: [0, 0.3, 0.7, 1],
    topP: 0.95,
    maxTokens: 56,
    batchSize: 32,
    out: answers,
    onProgress({ rows: done }) {
      if (done !== written) console.log(`${done} answers`)
      written = done
    },
  })
}
await distill({
  ...training,
  draft,
  target,
  data: mix({ distillation: [jsonl(answers), 9], pretraining: [text, 1] }),
  loss: klTvHybrid(),
  steps: 400,
  learningRate: 6e-3,
  checkpoints: directory(`${work}/distill`),
})

await saveCausalLM(draft, out, { dtype: 'F16' })
const files = directory(out)
for (const file of await files.list())
  if (file !== 'config.json' && file !== 'model.safetensors') await files.remove(file)
console.log(`Written to ${out}`)
process.exit(0)

function onStep({ step, loss, acceptanceRate }: TrainingProgress): void {
  if (step % 25 !== 0) return
  console.log(
    `step ${step}  loss ${loss.toFixed(3)}${acceptanceRate === undefined ? '' : `  α ${acceptanceRate.toFixed(3)}`}`,
  )
}
