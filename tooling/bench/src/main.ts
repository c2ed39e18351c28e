import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { measureCeilings } from './ceilings'
import { rounded } from './compare'
import { compared } from './cost/compared'
import { modelOfCost } from './cost/model-of-cost'
import { packGpu } from './gpu/packed/pack'
import { gpuPlan } from './gpu/settings'
import { worlds } from './gpu/world'
import type { Row, Suite } from './suite'
import { attentionSuite } from './suites/attention'
import { bitsSuite } from './suites/bits'
import { blockSuite } from './suites/block'
import { cachesSuite } from './suites/caches'
import { clientsSuite } from './suites/clients'
import { distillationStepSuite } from './suites/distillation-step'
import { draftVocabularySuite } from './suites/draft-vocabulary'
import { gpuSuite } from './suites/gpu'
import { linearSuite } from './suites/linear'
import { loadMemory } from './suites/load-memory'
import { longPromptsSuite } from './suites/long-prompts'
import { lookupsSuite } from './suites/lookups'
import { matmulSuite } from './suites/matmul'
import { onPolicySuite } from './suites/on-policy'
import { passesSuite } from './suites/passes'
import { peerAcceptance } from './suites/peer-acceptance'
import { peerDrafts } from './suites/peer-drafts'
import { peerGguf } from './suites/peer-gguf'
import { precisionSuite } from './suites/precision'
import { prefixSuite } from './suites/prefix'
import { rowsSuite } from './suites/rows'
import { speculationSuite } from './suites/speculation'
import { startUpSuite } from './suites/start-up'
import { stopsSuite } from './suites/stops'
import { targetShardsSuite } from './suites/target-shards'
import { trainingStepSuite } from './suites/training-step'
import { printTable } from './table'

const suites: readonly Suite[] = [
  matmulSuite,
  linearSuite,
  attentionSuite,
  cachesSuite,
  rowsSuite,
  trainingStepSuite,
  distillationStepSuite,
  onPolicySuite,
  targetShardsSuite,
  precisionSuite,
  speculationSuite,
  stopsSuite,
  blockSuite,
  passesSuite,
  clientsSuite,
  longPromptsSuite,
  prefixSuite,
  lookupsSuite,
  draftVocabularySuite,
  startUpSuite,
  loadMemory,
  peerAcceptance,
  peerDrafts,
  peerGguf,
  bitsSuite,
  gpuSuite,
]

const usage = `npm run bench -- [suites] [--profile] [--processor-time] [--answers FILE] [--model PATH] [--each N] [--set NAME=VALUE] [--rows FILE] [--model-of-cost] [--pack DIR] [--json]

${suites.map(({ name, summary }) => `  ${name.padEnd(16)} ${summary}`).join('\n')}

Without names all of them run, but for \`gpu\` and what needs a file that is not given. --profile adds the device time of each kernel, by
timestamp queries. --processor-time lets \`attention\`, \`linear\` and the suites that decode or distil count the processor's time of
this process in place of the clock's: for software adapters on a machine that others use, too. --answers names JSONL of written-down
answers: for \`lookups\` {"category", "ids", "answer"} a line, the ids of a prompt and those of the target's greedy answer (without
"ids" it counts in the tables alone); for \`draft-vocabulary\` rows with completion_ids. --model, for \`distillation-step\` and
\`passes\`, is a directory, a .gguf file or a name of the hub. --each, for \`stops\`, is the number of prompts of a kind, and for \`clients\` how many of the numbers of clients are tried.
--set, for \`gpu\`: size (tiny, 1.1B, 7B), dtype, draft-length and damp (how well the draft guesses) of its speculation, steps (names
with commas), seconds for all (360). --rows FILE adds each of its figures to a file as it comes. --pack DIR packs \`gpu\` with Node and
Dawn into a folder that runs on another machine of this system, without network: sh DIR/run.sh.
--model-of-cost measures nothing and needs no adapter: what every kernel costs by shape, and the share of the roof to expect on three
GPUs; with --rows FILE, a run of \`gpu\` (and its --set size), what was measured there beside that.

Columns: times are of a run to its end; GB/s and GFLOP/s count what must be moved and computed at least; of_ceiling is the share of
what a large copy or a large matmul reaches on this adapter. OUTRIDER_ADAPTER=swiftshader takes the software adapter of npm,
OUTRIDER_ADAPTER=system the machine's own.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    answers: { type: 'string' },
    model: { type: 'string' },
    each: { type: 'string' },
    set: { type: 'string', multiple: true, default: [] },
    rows: { type: 'string' },
    'model-of-cost': { type: 'boolean', default: false },
    pack: { type: 'string' },
    'processor-time': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
const unknown = positionals.find((name) => !suites.some((suite) => suite.name === name))
if (values.help || unknown !== undefined) {
  console.error(unknown === undefined ? usage : `There is no suite "${unknown}".\n\n${usage}`)
  process.exit(unknown === undefined ? 0 : 2)
}

const setting = Object.fromEntries(values.set.map((one) => one.split('=', 2)))
if (values.pack !== undefined) {
  const bytes = await packGpu(
    values.pack,
    (text) => process.stderr.isTTY && process.stderr.write(`\r\u001b[K  ${text}`),
  )
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  console.log(
    `${values.pack} has ${Math.round(bytes / 2 ** 20)} MiB (a third of it as .tar.gz). On a machine with a GPU: sh ${values.pack}/run.sh`,
  )
  process.exit(0)
}
if (values['model-of-cost']) {
  const { settings } = gpuPlan(setting)
  const rows = values.rows ? compared(await measuredRows(values.rows), worlds[settings.size]) : modelOfCost()
  if (values.json) for (const row of rows) console.log(JSON.stringify(row))
  else printTable(rows)
  process.exit(0)
}

const device = await createDevice({ adapter: nodeAdapter() })
const ceilings = await measureCeilings(device)
const [bandwidth, rate] = [ceilings.bytesPerSecond, ceilings.operationsPerSecond].map((x) => rounded(x / 1e9))
if (!values.json) {
  console.log(`Adapter: ${device.adapterName}`)
  console.log(`A copy of 64 MiB moves ${bandwidth} GB/s, a matmul of 1024³ computes ${rate} GFLOP/s.`)
}
const processorSeconds = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
const report: Record<string, unknown> = {
  adapter: device.adapterName,
  date: new Date().toISOString().slice(0, 10),
  copy_gb_s: bandwidth,
  matmul_gflop_s: rate,
}
for (const suite of suites) {
  if (positionals.length > 0 ? !positionals.includes(suite.name) : suite.onlyByName) continue
  if (!values.json) console.log(`\n${suite.name}: ${suite.summary}`)
  const profile: Row[] | undefined = values.profile ? [] : undefined
  const rows = await suite.run({
    device,
    ceilings,
    profile,
    answers: values.answers,
    model: values.model,
    settings: setting,
    rowsFile: values.rows,
    each: values.each === undefined ? undefined : Number(values.each),
    now: values['processor-time'] ? processorSeconds : () => performance.now() / 1000,
    note: (text) => process.stderr.isTTY && process.stderr.write(`\r\u001b[K  ${text}`),
  })
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  report[suite.name] = rows
  if (profile) report[`${suite.name}_kernels`] = profile
  if (values.json) continue
  printTable(rows)
  if (!profile?.length) continue
  console.log('\nKernels:')
  printTable(profile)
}
if (values.json) console.log(JSON.stringify(report, null, 2))
device.dispose()

/** What `--rows` wrote. */
async function measuredRows(file: string): Promise<Row[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line.trim() !== '')
  return lines.map((line) => JSON.parse(line) as Row)
}
