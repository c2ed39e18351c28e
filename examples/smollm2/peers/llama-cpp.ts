// Greedy answers of llama.cpp, plain and with drafts, through node-llama-cpp, which `npm install` of this repository brings.
//
//   npm run llama-cpp -- --draft NAME=DIR [--model FILE] [--log FILE] [--prompts FILE] [--each N] [--max-tokens N]
//
// It takes one drafted token a pass at most and loses what was drafted beyond, so one is drafted. Tokens per pass count the
// prompt's pass, which verifies a draft already. llama.cpp rounds activations to 8 bits: other ids than float32 has are no fault
// of drafting.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { useSoftwareAdapter } from '@outrider/software-adapter'
import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { loadCausalLM, saveGguf } from '@outrider/transformer'
import { getLlama, LlamaLogLevel } from 'node-llama-cpp'
import { namedDrafts } from '../drafts'
import { answeredIn, appendTo, readLog } from '../log'
import { progress } from '../progress'
import { idsOf, inTurns, promptsOf } from '../prompts'
import { inEngine } from '../settings'
import { answerInLlamaCpp } from './llama-cpp-answer'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'model/SmolLM2-135M-Instruct.Q4_1.gguf' },
    draft: { type: 'string', multiple: true, default: [] },
    log: { type: 'string', default: 'peers.jsonl' },
    prompts: { type: 'string' },
    each: { type: 'string', default: '16' },
    'max-tokens': { type: 'string', default: '64' },
  },
})
const drafts = namedDrafts(values.draft)
const prompts = inTurns(await promptsOf(values.prompts), Number(values.each))
const has = answeredIn(await readLog(values.log))

const folder = await mkdtemp(join(tmpdir(), 'outrider-llama-cpp-'))
const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: LlamaLogLevel.error })
try {
  const target = await llama.loadModel({ modelPath: values.model })
  await answerAll(inEngine('llama.cpp', { drafter: 'plain', sampled: false }))
  for (const [name, directory] of drafts) {
    const setting = inEngine('llama.cpp', { drafter: `draft ${name}`, draftLength: 1, sampled: false })
    await answerAll(setting, await llama.loadModel({ modelPath: await asGguf(directory) }))
  }

  async function answerAll(setting: string, draft?: typeof target) {
    const left = prompts.filter(({ prompt }) => !has(setting, prompt))
    for (const [i, { prompt, category, asked }] of left.entries()) {
      progress(`${setting}: ${i + 1} of ${left.length}`)
      const maxTokens = Number(values['max-tokens'])
      const answer = await answerInLlamaCpp(target, { ids: idsOf(asked), maxTokens, draft })
      await appendTo(values.log, { setting, prompt, category, ...answer })
    }
    progress()
  }
} finally {
  await llama.dispose()
  await rm(folder, { recursive: true, force: true })
}

/** The draft in f32, as llama.cpp reads it: it is given ids, so that texts it would split differently do no harm. */
async function asGguf(directory: string): Promise<string> {
  await useSoftwareAdapter()
  const device = await createDevice({ adapter: nodeAdapter() })
  try {
    const draft = await loadCausalLM(directory, { device })
    await saveGguf(draft, folder, { file: 'draft.gguf', dtype: 'F32', acceptDifferences: true })
    return join(folder, 'draft.gguf')
  } finally {
    device.dispose()
  }
}
