// SmolLM2-135M-Instruct on 96 prompts of Spec-Bench in every setting, in turns: each prompt is answered in all of them before the
// next one is. Every answer is a line of a log; what the log has is not measured again, so that it can be stopped at any time.
//
//   npm run measure -- --model FILE [--draft DIR ...] [--table FILE] [--prompts FILE] [--log FILE] [--each N] [--only TEXT ...]
//
// --table is an answers.bin of `outrider table`. --prompts: lines of category and ids, or messages. --each takes the first N of a
// category, --only the settings that hold a text, as 'auto' or 'greedy', and plain decoding beside them.

import { existsSync } from 'node:fs'
import { appendFile, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
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
import { type ChatMessage, type Generation, generate, loadCausalLM, resolveSampling } from '@outrider/transformer'
import { type Answered, tablesOf } from './figures'
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

interface Asked {
  /** Spec-Bench's; of other prompts the line. */
  question_id: number
  category: string
  ids?: number[]
  messages?: ChatMessage[]
}

const lines = async (file: string | URL) =>
  (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
const prompts: Asked[] = (await lines(values.prompts ?? new URL('prompts.jsonl', import.meta.url))).map((line, i) => ({
  question_id: i,
  ...line,
}))
const answered: Answered[] = existsSync(values.log) ? await lines(values.log) : []

await useSoftwareAdapter() // a machine with a GPU needs no such line
const device = await createDevice({ adapter: nodeAdapter() })
const target = await loadCausalLM(values.model, { device })
const drafts = new Map<string, Drafter>()
for (const folder of values.draft)
  drafts.set(basename(folder), modelDrafter((await loadCausalLM(folder, { device })).model))

const vocabulary = { vocabularySize: target.config.vocabularySize, fingerprint: target.tokenizer.fingerprint }
const table = values.table
  ? AnswerTable.fromBytes(await readFile(values.table), vocabulary, { where: values.table })
  : new AnswerTable(vocabulary)
const lookup = promptLookup()
const lookedUp = firstOf(lookup, answerLookup(table))
const drafterOf = ({ drafter }: Setting): Drafter => {
  const draft = drafts.get(drafter.split('draft ')[1] ?? '')
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
if (process.stderr.isTTY) process.stderr.write('compiling, and measuring what passes cost')
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

const has = new Set(answered.map(({ setting, prompt }) => `${setting} ${prompt}`))
const inTurns = prompts
  .map((prompt, i) => ({
    ...prompt,
    turn: prompts.slice(0, i).filter(({ category }) => category === prompt.category).length,
  }))
  .filter(({ turn }) => turn < Number(values.each))
  .sort((a, b) => a.turn - b.turn)
for (const [i, { question_id: prompt, category, ids, messages }] of inTurns.entries())
  for (const k of settings.keys()) {
    // Beginning with another one each time: a machine's speed drifts.
    const setting = settings[(i + k) % settings.length]!
    const name = nameOf(setting)
    if (has.has(`${name} ${prompt}`)) continue
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[Kprompt ${i + 1} of ${inTurns.length}, ${name}`)
    const asked = ids ?? messages!
    const metrics = new SpeculationMetrics({ parameterRatio: 0 })
    const options = setting.sampled ? { ...sampling, seed: prompt, maxTokens } : { temperature: 0, maxTokens }
    const answer =
      setting.drafter === 'plain'
        ? generate(target, asked, options)
        : decoders.get(name)!.generate(asked, { ...options, metrics, reproducible: false })
    const line = { setting: name, prompt, category, ...(await timed(answer)), ...countsOf(metrics) }
    answered.push(line)
    await appendFile(values.log, `${JSON.stringify(line)}\n`)
  }
if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
const ratios = Object.fromEntries(
  [...drafts].map(([name, { parameterCount }]) => [name, parameterCount / target.model.parameterCount]),
)
console.log(
  `${device.adapterName}; tokens per second${device.isSoftware ? ' of the processor' : ''}, after the first token of each answer.\n`,
)
console.log(tablesOf(answered, ratios))
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
