import { spawn } from 'node:child_process'
import { bundle } from './bundle.mjs'
import { root } from './child.mjs'

/**
 * The command line, from this checkout: `npm run outrider -- doctor`.
 *
 * @param {string[]} args  as `outrider` takes them; paths are meant from where npm was called
 * @returns {Promise<number>} the exit code
 */
export async function outrider(args) {
  if (!(await bundle())) return 1
  return inTerminal([`${root}packages/cli/dist/main.js`, ...args])
}

/** In this process's own group, so that it may read keys; what Ctrl-C does is its own affair. */
function inTerminal(args) {
  const child = spawn(process.execPath, args, { stdio: 'inherit', cwd: process.env.INIT_CWD ?? process.cwd() })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(signal)
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}
