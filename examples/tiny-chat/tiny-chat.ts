// The whole method on a tiny chat model: pretrain a draft, let the model answer, align the draft with its answers, decode
// speculatively. `outrider demo` does the same with three losses and measures everything.

import { generateDataset, jsonl, mix, rows, texts } from '@outrider/dataset'
import { tvdPlusPlus } from '@outrider/losses'
import { useSoftwareAdapter } from '@outrider/software-adapter'
import { SpeculativeDecoder } from '@outrider/speculative'
import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { distill, pretrain } from '@outrider/training'
import { createDraft, loadCausalLM, saveCausalLM } from '@outrider/transformer'
import { bundledTarget, exchanges, plainText } from 'outrider/tiny-chat'

const folder = process.argv[2] ?? 'tiny-chat-run'
const steps = Number(process.argv[3] ?? 100)

await useSoftwareAdapter() // a machine with a GPU needs no such line
const device = await createDevice({ adapter: nodeAdapter() })
const target = await loadCausalLM(bundledTarget(), { device })

const draft = createDraft(target, { layers: 1, hiddenSize: 48 })
const text = texts(plainText({ seed: 1, count: 2000 }))
await pretrain(draft, text, { steps, learningRate: 6e-3 })

const question = 'Tell me a story about a fox and a kite.'
const answer = async (when: string) => {
  const decoder = new SpeculativeDecoder({ target, drafter: draft, draftLength: 3 })
  let text = ''
  for await (const block of decoder.generate([{ role: 'user', content: question }], { maxTokens: 60 }))
    text += block.text
  console.log(`${when}: ${decoder.metrics.blockEfficiency.toFixed(2)} tokens a target pass\n  ${text}`)
}
await answer('Pretrained')

const asked = exchanges({ seed: 2, count: 60, tasks: ['open-ended', 'summarise'] })
const seeds = rows(
  asked.map(({ prompt }) => ({ kind: 'conversation', messages: [{ role: 'user', content: prompt }], metadata: {} })),
)
await generateDataset({
  target,
  seeds,
  temperatures: [0, 0.3, 0.7, 1],
  topP: 0.95,
  maxTokens: 48,
  out: `${folder}/distill.jsonl`,
})
const data = mix({ distillation: [jsonl(`${folder}/distill.jsonl`), 9], pretraining: [text, 1] })
await distill({ draft, target, data, loss: tvdPlusPlus(), steps, learningRate: 4e-3 })
await saveCausalLM(draft, `${folder}/draft`)
await answer('Aligned')
device.dispose()
