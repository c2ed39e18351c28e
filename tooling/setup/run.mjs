// `npm run demo`, `npm run playground`, `npm test` and `npm run bench` on a machine that has Node and npm and nothing else:
// install, build, then the job.
// Plain Node, no dependencies: it runs before anything is installed.
import { bench } from './bench.mjs'
import { stopChildrenOnSignals } from './child.mjs'
import { demo } from './demo.mjs'
import { playground } from './playground.mjs'
import { test } from './test.mjs'

const [job, ...args] = process.argv.slice(2)
const jobs = { demo, playground, test, bench }

if (!Object.hasOwn(jobs, job)) {
  console.error(`Usage: node tooling/setup/run.mjs demo|playground|test|bench [-- arguments]`)
  process.exit(2)
}
stopChildrenOnSignals()
process.exitCode = await jobs[job](args)
