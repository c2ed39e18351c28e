import { binaries, runChild } from './child.mjs'
import { install } from './install.mjs'

/** Kills `outrider align` at moments that nobody chose, so many times (default five), and looks at what comes out. */
export async function killAlign([times = '5']) {
  if (!(await install())) return 1
  const file = 'packages/cli/src/commands/align.test.ts'
  const environment = { OUTRIDER_KILLS: times }
  return (await runChild(`${binaries}vitest`, ['run', file, '--testTimeout=600000'], { output: 'show', environment }))
    .code
}
