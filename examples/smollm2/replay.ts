// τ of drafts on greedy answers that are in a log already, plain ones of `npm run measure`: the answers are replayed in place of the
// model, which is what takes the time. Of seconds nothing is said.
//
//   npm run replay -- [--draft NAME=DIR ...] [--table FILE] [--log FILE] [--model FILE] [--only TEXT ...]
//
// Every draft at γ 3; the first of them, what can be looked up, and both, at γ 3 and 5.

import { parseArgs } from 'node:util'
import { useSoftwareAdapter } from '@outrider/software-adapter'
import { SpeculationMetrics, SpeculativeDecoder } from '@outrider/speculative'
import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { openCausalLM, parameterCount } from '@outrider/transformer'
import { Drafters } from './drafters'
import { type Answered, countsOf, tablesOf } from './figures'
import { readLog } from './log'
import { progress, timeLeft } from './progress'
import { idsOf, promptsOf } from './prompts'
import { ReplayedTarget } from './replayed-target'
import { nameOf, settingsOf, settingsWith } from './settings'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'model/SmolLM2-135M-Instruct.Q4_1.gguf' },
    draft: { type: 'string', multiple: true, default: [] },
    table: { type: 'string' },
    log: { type: 'string', default: 'measured.jsonl' },
    only: { type: 'string', multiple: true, default: [] },
  },
})

const plain = nameOf({ drafter: 'plain', sampled: false })
const said = (await readLog(values.log)).filter(({ setting }) => setting === plain)
if (said.length === 0)
  throw new Error(`${values.log} has no plain greedy answer: npm run measure -- --only plain --only greedy`)
const prompts = new Map((await promptsOf()).map(({ prompt, asked }) => [prompt, idsOf(asked)]))

await useSoftwareAdapter() // a machine with a GPU needs no such line
const device = await createDevice({ adapter: nodeAdapter() })
const opened = await openCausalLM(values.model)
const { config, tokenizer } = opened
const target = new ReplayedTarget(device, { config, parameterCount: parameterCount(config) })
const vocabulary = { vocabularySize: config.vocabularySize, fingerprint: tokenizer.fingerprint }
const drafters = await Drafters.open(device, vocabulary, { drafts: values.draft, table: values.table })
const isReplayed = ({ sampled, draftLength }: ReturnType<typeof settingsOf>[number]) =>
  !sampled && typeof draftLength === 'number'
const settings = settingsWith(settingsOf(drafters.names), values.only).filter(isReplayed)

const answered: Answered[] = [...said]
const started = performance.now()
const all = settings.length * said.length
for (const setting of settings) {
  const { draftLength = 0, verification = 'block' } = setting
  const drafter = drafters.of(setting)
  const decoder = new SpeculativeDecoder({ target: { ...opened, model: target }, drafter, draftLength, verification })
  const draft = drafters.modelOf(setting)
  for (const { prompt, category, ids } of said) {
    const asked = prompts.get(prompt)
    if (!asked) throw new Error(`The log has an answer to prompt ${prompt}, which prompts.jsonl lacks.`)
    const done = answered.length - said.length
    const seconds = (performance.now() - started) / 1000
    progress(`${done} of ${all}${done > 0 ? `, ${timeLeft({ done, all, seconds })}` : ''}: ${nameOf(setting)}`)
    target.script = [...asked, ...ids]
    const metrics = new SpeculationMetrics({ parameterRatio: 0 })
    const answer = decoder.generate(asked, { temperature: 0, maxTokens: ids.length, metrics })
    for await (const _ of answer);
    const parameterRatio = draft && { parameterRatio: draft.parameterCount / target.parameterCount }
    const line = { setting: nameOf(setting), prompt, category, ids: (await answer.result).tokens }
    answered.push({ ...line, ...countsOf(metrics), ...parameterRatio })
  }
}
progress()
console.log(tablesOf(answered))
device.dispose()
