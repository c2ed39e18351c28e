import { root, runChild } from './child.mjs'
import { install } from './install.mjs'

const register = new URL('../../packages/software-adapter/src/register.mjs', import.meta.url).href
const source = new URL('../build/source.mjs', import.meta.url).href

/**
 * Compares what other engines say of the bundled model with what it says here, on the sources as they are.
 *
 * @returns {Promise<number>} the exit code
 */
export async function engines(args) {
  if (!args.includes('--json')) console.log('Setting up')
  if (!(await install())) return 1
  const flags = ['--conditions=@outrider/source', '--import', register, '--import', source]
  return (
    await runChild(process.execPath, [...flags, `${root}tooling/engines/src/main.ts`, ...args], { output: 'show' })
  ).code
}
