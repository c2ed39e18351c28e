import { parseArgs } from 'node:util'
import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import type { Suite } from './suite'
import { loadMemory } from './suites/load-memory'
import { matmulSuite } from './suites/matmul'
import { peerAcceptance } from './suites/peer-acceptance'
import { rowsSuite } from './suites/rows'
import { trainingStepSuite } from './suites/training-step'
import { printTable } from './table'

const suites: readonly Suite[] = [matmulSuite, rowsSuite, trainingStepSuite, loadMemory, peerAcceptance]

const usage = `npm run bench -- [suites] [--json]

${suites.map(({ name, summary }) => `  ${name.padEnd(14)} ${summary}`).join('\n')}

Without names all of them run. OUTRIDER_ADAPTER=swiftshader takes the software adapter of npm, OUTRIDER_ADAPTER=system the
machine's own.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
})
const unknown = positionals.find((name) => !suites.some((suite) => suite.name === name))
if (values.help || unknown !== undefined) {
  console.error(unknown === undefined ? usage : `There is no suite "${unknown}".\n\n${usage}`)
  process.exit(unknown === undefined ? 0 : 2)
}

const device = await createDevice({ adapter: nodeAdapter() })
if (!values.json) console.log(`Adapter: ${device.adapterName}`)
const report: Record<string, unknown> = { adapter: device.adapterName, date: new Date().toISOString().slice(0, 10) }
for (const suite of suites) {
  if (positionals.length > 0 && !positionals.includes(suite.name)) continue
  if (!values.json) console.log(`\n${suite.name}: ${suite.summary}`)
  const rows = await suite.run({
    device,
    note: (text) => process.stderr.isTTY && process.stderr.write(`\r\u001b[K  ${text}`),
  })
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  report[suite.name] = rows
  if (!values.json) printTable(rows)
}
if (values.json) console.log(JSON.stringify(report, null, 2))
device.dispose()
