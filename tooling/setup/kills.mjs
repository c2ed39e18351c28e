import { binaries, runChild } from './child.mjs'
import { install } from './install.mjs'

/** Runs a test that kills, so many times (default five), at moments that nobody chose. */
const kills =
  (file, ...only) =>
  async ([times = '5']) => {
    if (!(await install())) return 1
    const args = ['run', file, '--testTimeout=600000', ...only]
    return (await runChild(`${binaries}vitest`, args, { output: 'show', environment: { OUTRIDER_KILLS: times } })).code
  }

/** Kills `outrider align`, and looks at what comes out. */
export const killAlign = kills('packages/cli/src/commands/align.test.ts')

/** Kills a draft that is adapted to propose a block in one pass. */
export const killParallel = kills('packages/training/src/loop/kill.test.ts', '--testNamePattern=several tokens at once')
