import { root, runChild } from './child.mjs'
import { install } from './install.mjs'
import { stage } from './stage.mjs'

/** Shows the site, once it is built. */
export const previewCommand = 'npx vitepress preview docs'

/**
 * Builds the site of the documentation.
 *
 * @returns {Promise<number>} the exit code
 */
export async function docs() {
  console.log('Setting up')
  if (!(await install())) return 1
  const built = await stage('docs', () => runChild(process.execPath, [`${root}docs/build/main.mjs`]))
  if (built) console.log(`A static site: ${root}docs/.vitepress/dist\nTo look at it: ${previewCommand}`)
  return built ? 0 : 1
}
