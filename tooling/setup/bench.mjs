import { root, runChild } from './child.mjs'
import { install } from './install.mjs'

const register = new URL('../../packages/software-adapter/src/register.mjs', import.meta.url).href
const source = new URL('../build/source.mjs', import.meta.url).href

/**
 * Runs the benchmarks on the sources as they are.
 *
 * @returns {Promise<number>} the exit code
 */
export async function bench(args) {
  if (!args.includes('--json')) console.log('Setting up')
  if (!(await install())) return 1
  const flags = ['--expose-gc', '--conditions=@outrider/source', '--import', register, '--import', source]
  const command = [...flags, `${root}tooling/bench/src/main.ts`, ...args]
  return (await runChild(process.execPath, command, { output: 'show' })).code
}
