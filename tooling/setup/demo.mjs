import { bundle } from './bundle.mjs'
import { root, runChild } from './child.mjs'

const register = new URL('../../packages/software-adapter/src/register.mjs', import.meta.url).href

/** @returns {Promise<number>} the exit code */
export async function demo(args) {
  if (!(await bundle())) return 1
  const command = ['--import', register, `${root}packages/cli/dist/main.js`, 'demo', ...args]
  return (await runChild(process.execPath, command, { output: 'show' })).code
}
