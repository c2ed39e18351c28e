// `npm run demo`, `npm run playground`, `npm test`, `npm run bench` and `npm run docs` on a machine that has Node and npm and
// nothing else: install, build, then the job.
// Plain Node, no dependencies: it runs before anything is installed.
import { bench } from './bench.mjs'
import { stopChildrenOnSignals } from './child.mjs'
import { demo } from './demo.mjs'
import { docs } from './docs.mjs'
import { playground } from './playground.mjs'
import { test } from './test.mjs'

const [job, ...args] = process.argv.slice(2)
const jobs = { demo, playground, test, bench, docs }

if (!Object.hasOwn(jobs, job)) {
  console.error(`Usage: node tooling/setup/run.mjs demo|playground|test|bench|docs [-- arguments]`)
  process.exit(2)
}
stopChildrenOnSignals()
process.exitCode = await jobs[job](args)
