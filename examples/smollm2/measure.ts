// SmolLM2-135M-Instruct on 96 prompts of Spec-Bench in every setting, in turns: each prompt is answered in all of them before the
// next one is. Every answer is a line of a log; what the log has is not measured again, so that it can be stopped at any time.
//
//   npm run measure -- --model FILE [--draft NAME=DIR ...] [--table FILE] [--prompts FILE] [--log FILE] [--each N] [--only TEXT ...]
//
// The first draft is measured in every setting, the others greedily at γ 3. --table is an answers.bin of `outrider table`. --prompts: lines of category and ids, or messages. --each takes the first N of a
// category, --only the settings that hold a text, as 'auto' or 'greedy', and plain decoding beside them.

import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { useSoftwareAdapter } from '@outrider/software-adapter'
import {
  AnswerTable,
  answerLookup,
  type Drafter,
  firstOf,
  measureCosts,
  modelDrafter,
  promptLookup,
  SpeculationMetrics,
  SpeculativeDecoder,
} from '@outrider/speculative'
import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { type Generation, generate, loadCausalLM, resolveSampling } from '@outrider/transformer'
import { draftIn, namedDrafts } from './drafts'
import { tablesOf } from './figures'
import { answeredIn, appendTo, readLog } from './log'
import { progress, timeLeft } from './progress'
import { inTurns, promptsOf } from './prompts'
import { nameOf, type Setting, sampling, settingsOf, settingsWith } from './settings'

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

const folders = namedDrafts(values.draft)
const prompts = inTurns(await promptsOf(values.prompts), Number(values.each))
const answered = await readLog(values.log)

await useSoftwareAdapter() // a machine with a GPU needs no such line
const device = await createDevice({ adapter: nodeAdapter() })
const target = await loadCausalLM(values.model, { device })
const drafts = new Map<string, Drafter>()
for (const [name, folder] of folders)
  drafts.set(name, modelDrafter((await loadCausalLM(draftIn(folder), { device })).model))

const vocabulary = { vocabularySize: target.config.vocabularySize, fingerprint: target.tokenizer.fingerprint }
const table = values.table
  ? AnswerTable.fromBytes(await readFile(values.table), vocabulary, { where: values.table })
  : new AnswerTable(vocabulary)
const lookup = promptLookup()
const lookedUp = firstOf(lookup, answerLookup(table))
const draftOf = ({ drafter }: Setting) => drafts.get(drafter.split('draft ')[1] ?? '')
const drafterOf = (setting: Setting): Drafter => {
  const { drafter } = setting
  const draft = draftOf(setting)
  if (draft) return drafter.startsWith('draft') ? draft : firstOf(lookedUp, draft)
  return drafter === 'lookup' ? lookup : lookedUp
}

/** On a software adapter what the process computes, as others may use the machine, too; of a GPU only the clock knows. */
const seconds = () => {
  if (!device.isSoftware) return performance.now() / 1000
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
const settings = settingsWith(settingsOf([...drafts.keys()]), values.only)
progress('compiling, and measuring what passes cost')
const drafter = [...drafts.values()][0] ?? lookup
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
      drafter: drafterOf(setting),
      draftLength,
      verification,
      costs,
      now: seconds,
    })
    return [nameOf(setting), decoder]
  }),
)

const has = answeredIn(answered)
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
    const options = setting.sampled ? { ...sampling, seed: prompt, maxTokens } : { temperature: 0, maxTokens }
    const answer =
      setting.drafter === 'plain'
        ? generate(target, asked, options)
        : decoders.get(name)!.generate(asked, { ...options, metrics, reproducible: false })
    const draft = draftOf(setting)
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

function countsOf({ figures }: SpeculationMetrics) {
  const reached = figures.numReachedTokensPerPos.reduce((sum, count) => sum + count, 0)
  return {
    passes: figures.numTargetPasses,
    drafted: figures.numDraftTokens,
    byModel: figures.drafters.find(({ drafter }) => drafter === 'model')?.numDraftTokens ?? 0,
    accepted: figures.numAcceptedTokens,
    reached,
    overlap: figures.acceptanceRate * reached,
  }
}
