import { root, runChild } from './child.mjs'
import { install } from './install.mjs'
import { stage } from './stage.mjs'

/**
 * Builds the site of the documentation.
 *
 * @returns {Promise<number>} the exit code
 */
export async function docs() {
  console.log('Setting up')
  if (!(await install())) return 1
  const built = await stage('docs', () => runChild(process.execPath, [`${root}docs/build/main.mjs`]))
  if (built) console.log(`A static site: ${root}docs/.vitepress/dist\nTo look at it: npx vitepress preview docs`)
  return built ? 0 : 1
}
