// SmolLM2-135M-Instruct on 96 prompts of Spec-Bench in every setting, in turns: each prompt is answered in all of them before the
// next one is. Every answer is a line of a log; what the log has is not measured again, so that it can be stopped at any time.
//
//   npm run measure -- --model FILE [--draft NAME=DIR ...] [--table FILE] [--prompts FILE] [--log FILE] [--each N] [--only TEXT ...]
//
// The first draft is measured in every setting, the others greedily at γ 3. --table is an answers.bin of `outrider table`. --prompts: lines of category and ids, or messages. --each takes the first N of a
// category, --only the settings that hold a text, as 'auto' or 'greedy', and plain decoding beside them.

import { parseArgs } from 'node:util'
import { useSoftwareAdapter } from '@outrider/software-adapter'
import { measureCosts, SpeculationMetrics, SpeculativeDecoder } from '@outrider/speculative'
import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { type Generation, generate, loadCausalLM, PrefixCache, resolveSampling } from '@outrider/transformer'
import { Drafters } from './drafters'
import { countsOf, tablesOf } from './figures'
import { answeredIn, appendTo, readLog } from './log'
import { progress, timeLeft } from './progress'
import { inTurns, promptsOf } from './prompts'
import { nameOf, sampling, settingsOf, settingsWith } from './settings'
import { prefixesOf } from './target-prefixes'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'model/SmolLM2-135M-Instruct.Q4_1.gguf' },
    draft: { type: 'string', multiple: true, default: [] },
    table: { type: 'string' },
    prompts: { type: 'string' },
    log: { type: 'string', default: 'measured.jsonl' },
    each: { type: 'string', default: '16' },
    only: { type: 'string', multiple: true, default: [] },
  },
})
const maxTokens = 64

const prompts = inTurns(await promptsOf(values.prompts), Number(values.each))
const answered = await readLog(values.log)

await useSoftwareAdapter() // a machine with a GPU needs no such line
const device = await createDevice({ adapter: nodeAdapter() })
const target = await loadCausalLM(values.model, { device })
const { vocabularySize } = target.config
const vocabulary = { vocabularySize, fingerprint: target.tokenizer.fingerprint }
const drafters = await Drafters.open(device, vocabulary, { drafts: values.draft, table: values.table })

/** On a software adapter what the process computes, as others may use the machine, too; of a GPU only the clock knows. */
const seconds = () => {
  if (!device.isSoftware) return performance.now() / 1000
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
const settings = settingsWith(settingsOf(drafters.names), values.only)
progress('compiling, and measuring what passes cost')
const drafter = drafters.first
for (const options of [{ temperature: 0 }, sampling]) await new SpeculativeDecoder({ target, drafter }).warmUp(options)
const costs = await measureCosts({
  target: target.model,
  drafter,
  sampling: resolveSampling(),
  now: seconds,
})
const decoders = new Map(
  settings.map((setting) => {
    const { draftLength = 0, verification = 'block' } = setting
    const decoder = new SpeculativeDecoder({
      target,
      drafter: drafters.of(setting),
      draftLength,
      verification,
      costs,
      now: seconds,
    })
    return [nameOf(setting), decoder]
  }),
)

const has = answeredIn(answered)
const prefixes = prefixesOf(target.model, new PrefixCache())
const all = prompts.flatMap(({ prompt }) => settings.filter((setting) => !has(nameOf(setting), prompt))).length
const started = performance.now()
let done = 0
for (const [i, { prompt, category, asked }] of prompts.entries())
  for (const k of settings.keys()) {
    // Beginning with another one each time: a machine's speed drifts.
    const setting = settings[(i + k) % settings.length]!
    const name = nameOf(setting)
    if (has(name, prompt)) continue
    const left = done > 0 ? `, ${timeLeft({ done, all, seconds: (performance.now() - started) / 1000 })}` : ''
    progress(`answer ${done + 1} of ${all}${left}: prompt ${i + 1} of ${prompts.length}, ${name}`)
    const metrics = new SpeculationMetrics({ parameterRatio: 0 })
    const drawing = setting.sampled ? { ...sampling, seed: prompt } : { temperature: 0 }
    const options = { ...drawing, maxTokens, prefixes }
    const answer =
      setting.drafter === 'plain'
        ? generate(target, asked, options)
        : decoders.get(name)!.generate(asked, { ...options, metrics, reproducible: false })
    const draft = drafters.modelOf(setting)
    const parameterRatio = draft && { parameterRatio: draft.parameterCount / target.model.parameterCount }
    const line = { setting: name, prompt, category, ...(await timed(answer)), ...countsOf(metrics), ...parameterRatio }
    answered.push(line)
    await appendTo(values.log, line)
    done++
  }
progress()
console.log(
  `${device.adapterName}; tokens per second${device.isSoftware ? ' of the processor' : ''}, after the first token of each answer.\n`,
)
console.log(tablesOf(answered))
device.dispose()

/** Seconds from the first token to the last: the prompt is left out. */
async function timed(answer: Generation<unknown>) {
  let first = 0
  let last = 0
  for await (const _ of answer) {
    last = seconds()
    first ||= last
  }
  return { ids: (await answer.result).tokens, seconds: last - first }
}
