// Whether the draft's card is right: fetches the model, answers 20 prompts plainly and with the draft, and compares ids and τ.
//
//   npm run check -- [--write] [--draft FOLDER] [--model FILE]
//
// --write makes the card's figures, figures.json in the draft's folder, instead.

import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { useSoftwareAdapter } from '@outrider/software-adapter'
import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { loadCausalLM } from '@outrider/transformer'
import {
  blockEfficiencyOf,
  type CheckedAnswer,
  type CheckedFigures,
  checkedAnswers,
  draftLength,
  faultOf,
  promptsToCheck,
} from './check-card'
import { draftIn } from './drafts'
import { fetchModel } from './fetch-model'
import { table } from './figures'
import { progress, timeLeft } from './progress'
import { promptsOf } from './prompts'

const { values } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    draft: { type: 'string', default: 'draft' },
    model: { type: 'string' },
  },
})
const maxTokens = 64
const file = join(values.draft, 'figures.json')
const figures: { check?: CheckedFigures } = existsSync(file) ? JSON.parse(await readFile(file, 'utf8')) : {}
const draftPath = draftIn(values.draft)
if (!figures.check && !values.write) fail(`${file} has no figures to check. Make them: npm run check -- --write`)
const prompts = promptsToCheck(await promptsOf(), values.write ? undefined : figures.check)

const model = values.model ?? (await fetchModel('model'))
await useSoftwareAdapter() // a machine with a GPU needs no such line
const device = await createDevice({ adapter: nodeAdapter() })
const target = await loadCausalLM(model, { device })
const draft = await loadCausalLM(draftPath, { device })
console.log(
  `${device.adapterName}: ${prompts.length} prompts, answered plainly and with the draft at γ ${draftLength}, greedily.`,
)

const answers: CheckedAnswer[] = []
const started = performance.now()
for await (const answer of checkedAnswers({ target, draft }, prompts, { maxTokens })) {
  answers.push(answer)
  const seconds = (performance.now() - started) / 1000
  const left = timeLeft({ done: answers.length, all: prompts.length, seconds })
  if (answers.length === 1) console.log(`How long it takes: ${left}, by the first.`)
  progress(`${answers.length} of ${prompts.length} prompts, ${left}`)
}
progress()
device.dispose()

const rows = answers.map(({ prompt, category, tokens, passes, isSame }) => [
  prompt,
  category,
  tokens,
  passes,
  (tokens / passes).toFixed(2),
  isSame ? 'same' : 'OTHER',
])
console.log(`\n${table(['prompt', 'category', 'tokens', 'passes', 'τ', 'ids of plain decoding'], rows)}\n`)

const check = {
  prompts: answers.map(({ prompt }) => prompt),
  blockEfficiency: Number(blockEfficiencyOf(answers).toFixed(4)),
}
const fault = faultOf(answers, values.write ? check : figures.check!)
if (fault) fail(fault)
if (values.write) await writeFile(file, `${JSON.stringify({ ...figures, check }, null, 2)}\n`)
const tau = check.blockEfficiency.toFixed(2)
console.log(
  values.write
    ? `τ ${tau}, written to ${file}.`
    : `τ ${tau}: the card holds, and all answers have the ids of plain decoding.`,
)

function fail(sentence: string): never {
  console.error(sentence)
  process.exit(1)
}
