// Starts a pair and prints how long the stages took: start-up.ts runs it.
import { fileURLToPath } from 'node:url'
import { SpeculativeDecoder } from '@outrider/speculative'
import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { createDraft, loadCausalLM } from '@outrider/transformer'

const folder = fileURLToPath(new URL('../../../../packages/cli/assets/tiny-chat', import.meta.url))
const stages: Record<string, number> = {}
let began = performance.now()
const stage = (name: string) => {
  const now = performance.now()
  stages[name] = now - began
  began = now
}
const device = await createDevice({ adapter: nodeAdapter() })
stage('device_ms')
const target = await loadCausalLM(folder, { device })
const draft = createDraft(target, { layers: 1, hiddenSize: 48 })
stage('load_ms')
const decoder = new SpeculativeDecoder({ target, drafter: draft, draftLength: 3 })
const sampling = { temperature: 0.7, topP: 0.9 }
await decoder.warmUp(sampling)
stage('warm_up_ms')
const { pipelines } = device.counters
const answer = decoder.generate([{ role: 'user', content: 'Tell me about a friend of yours.' }], {
  ...sampling,
  maxTokens: 12,
})
await answer.next()
stage('first_token_ms')
while (!(await answer.next()).done);
stage('then_11_tokens_ms')
console.log(
  JSON.stringify({ ...stages, kernels: pipelines, compiled_after_warm_up: device.counters.pipelines - pipelines }),
)
device.dispose()
