import { binaries, root, runChild } from './child.mjs'
import { install } from './install.mjs'
import { stage } from './stage.mjs'

const register = new URL('../../packages/software-adapter/src/register.mjs', import.meta.url).href

/** @returns {Promise<number>} the exit code */
export async function demo(args) {
  console.log('Setting up')
  const pnpm = await install()
  if (!pnpm) return 1
  const built = await stage('bundle', () =>
    runChild(`${binaries}turbo`, ['run', 'bundle', '--output-logs=errors-only'], { path: [pnpm] }),
  )
  if (!built) return 1
  const command = ['--import', register, `${root}packages/cli/dist/main.js`, 'demo', ...args]
  return (await runChild(process.execPath, command, { output: 'show' })).code
}
