import { mkdirSync, rmSync } from 'node:fs'
import { binaries, root, runChild } from './child.mjs'
import { install } from './install.mjs'
import { stage } from './stage.mjs'

/**
 * Builds every package and packs it as npm would publish it.
 *
 * @returns {Promise<number>} the exit code
 */
export async function tarballs() {
  console.log('Setting up')
  const pnpm = await install()
  if (!pnpm) return 1
  const path = [pnpm]
  const folder = `${root}tarballs`
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  const made =
    (await stage('build', () =>
      runChild(`${binaries}turbo`, ['run', 'build', '--output-logs=errors-only'], { path }),
    )) && (await stage('pack', () => packAll(folder, path)))
  if (made) console.log(`To install them in a project: npm i ${folder}/*.tgz`)
  return made ? 0 : 1
}

/** Packs every package that is published into a folder. */
export const packAll = (folder, path) =>
  runChild('pnpm', ['--recursive', '--filter', './packages/*', 'pack', '--pack-destination', folder], { path })
