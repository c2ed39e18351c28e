// The suite `gpu` as a packed folder runs it (pack.ts), on a machine without network, Node or this repository:
// node gpu.mjs [--set NAME=VALUE]… [--rows FILE]

import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runGpuSteps } from '../../suites/gpu'
import { printTable } from '../../table'
import { gpuPlan } from '../settings'
import { findDriver, tellAdapter } from './find-driver'

const usage = `run.sh [--set NAME=VALUE]… [--rows FILE]

--set: size (tiny, 1.1B, 7B), dtype, draft-length, damp, steps (names with commas), seconds for all (360).
--rows: where each figure is added as it comes (outrider-gpu.jsonl). OUTRIDER_ADAPTER=swiftshader rehearses without a GPU, in size tiny.`

const { values } = parseArgs({
  options: {
    set: { type: 'string', multiple: true, default: [] },
    rows: { type: 'string', default: 'outrider-gpu.jsonl' },
    adapter: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  console.log(usage)
  process.exit(0)
}
if (values.adapter) await tellAdapter()

const settings = Object.fromEntries(values.set.map((one) => one.split('=', 2)))
gpuPlan(settings) // says what is wrong before anything is looked for
const adapter = await findDriver(fileURLToPath(import.meta.url))
console.log(`Adapter: ${adapter}`)
const note = (text: string) => process.stderr.isTTY && process.stderr.write(`\r\u001b[K  ${text}`)
const script = fileURLToPath(new URL('./run-step.mjs', import.meta.url))
const rows = await runGpuSteps({ note, settings, rowsFile: values.rows }, script)
if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
printTable(rows)
console.log(`\nEach of these is a line of ${values.rows}.`)
if (rows.some(({ wrong }) => wrong !== undefined)) process.exitCode = 1
