// `npm run demo`, `npm test` and the other jobs on a machine that has Node and npm and nothing else: install, build, then the
// job.
// Plain Node, no dependencies: it runs before anything is installed.
import { bench } from './bench.mjs'
import { stopChildrenOnSignals } from './child.mjs'
import { demo } from './demo.mjs'
import { docs } from './docs.mjs'
import { engines } from './engines.mjs'
import { killAlign, killParallel } from './kills.mjs'
import { outrider } from './outrider.mjs'
import { playground } from './playground.mjs'
import { tarballs } from './tarballs.mjs'
import { test } from './test.mjs'

const [job, ...args] = process.argv.slice(2)
const jobs = {
  demo,
  playground,
  outrider,
  test,
  bench,
  docs,
  engines,
  tarballs,
  'kill-align': killAlign,
  'kill-parallel': killParallel,
}

if (!Object.hasOwn(jobs, job)) {
  console.error(`Usage: node tooling/setup/run.mjs ${Object.keys(jobs).join('|')} [-- arguments]`)
  process.exit(2)
}
stopChildrenOnSignals()
process.exitCode = await jobs[job](args)
