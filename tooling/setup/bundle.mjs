import { binaries, runChild } from './child.mjs'
import { install } from './install.mjs'
import { stage } from './stage.mjs'

/**
 * Installs and bundles the packages, the command line among them, without declarations.
 *
 * @returns {Promise<boolean>} whether it passed
 */
export async function bundle() {
  console.log('Setting up')
  const pnpm = await install()
  if (!pnpm) return false
  return stage('bundle', () =>
    runChild(`${binaries}turbo`, ['run', 'bundle', '--output-logs=errors-only'], { path: [pnpm] }),
  )
}
