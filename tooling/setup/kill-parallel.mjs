import { binaries, runChild } from './child.mjs'
import { install } from './install.mjs'

/** Kills a draft that is adapted to propose a block in one pass at moments that nobody chose, so many times (default five). */
export async function killParallel([times = '5']) {
  if (!(await install())) return 1
  const file = 'packages/training/src/loop/kill.test.ts'
  const environment = { OUTRIDER_KILLS: times }
  const args = ['run', file, '--testTimeout=600000', '--testNamePattern=several tokens at once']
  return (await runChild(`${binaries}vitest`, args, { output: 'show', environment })).code
}
