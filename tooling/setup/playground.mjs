import { fileURLToPath } from 'node:url'
import { root, runChild } from './child.mjs'
import { install } from './install.mjs'
import { stage } from './stage.mjs'

/**
 * Builds the playground and serves it on loopback until it is interrupted.
 *
 * @param {string[]} args  for `vite preview`: --port 8080, --open
 * @returns {Promise<number>} the exit code
 */
export async function playground(args) {
  console.log('Setting up')
  if (!(await install())) return 1
  const site = `${root}examples/playground`
  const vite = fileURLToPath(new URL('node_modules/vite/bin/vite.js', `file://${site}/`))
  const built = await stage('build the site', () => runChild(process.execPath, [vite, 'build', site]))
  if (!built) return 1
  return (await runChild(process.execPath, [vite, 'preview', site, ...args], { output: 'show' })).code
}
