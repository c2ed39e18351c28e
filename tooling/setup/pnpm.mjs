import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root, runChild } from './child.mjs'

/** What package.json names: 'pnpm@10.34.8'. */
export const { packageManager } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))

export async function findPnpm() {
  const [npx, ...first] = npxCommand()
  const child = [...first, '--yes', `--package=${packageManager}`, '--', 'node', `${root}tooling/setup/print-pnpm.mjs`]
  const { code, output } = await runChild(npx, child)
  const folder = /^pnpm in (\/.+|[A-Z]:.+)$/m.exec(output)?.[1]
  return code === 0 && folder ? { code, output: folder } : { code: code || 1, output }
}

/** The npx of the npm that runs this script, else the one on PATH. */
function npxCommand() {
  const npm = process.env.npm_execpath ?? ''
  const npx = join(dirname(npm), 'npx-cli.js')
  return npm.endsWith('npm-cli.js') && existsSync(npx) ? [process.execPath, npx] : ['npx']
}
