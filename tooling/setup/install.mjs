import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { binaries, root, runChild } from './child.mjs'
import { stage } from './stage.mjs'

const { packageManager } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) // 'pnpm@10.34.8'
const stampFile = `${root}node_modules/.outrider-setup.json`

/**
 * Installs what the lockfile names, unless that has been done.
 *
 * @returns {Promise<string | null>} the folder of the pnpm to put before PATH (turbo needs it), or null if it failed
 */
export async function install() {
  const lock = createHash('sha256')
    .update(readFileSync(`${root}pnpm-lock.yaml`))
    .digest('hex')
  const wanted = `${packageManager} ${process.platform}-${process.arch} ${lock}`
  const stamp = readStamp()
  if (stamp?.wanted === wanted && existsSync(stamp.pnpm) && existsSync(`${binaries}turbo`)) {
    console.log('  ✓ install  up to date')
    return stamp.pnpm
  }

  let pnpm = null
  const passed = await stage(`install (${packageManager}, from npm)`, async () => {
    const found = await findPnpm()
    if (found.code !== 0) return found
    pnpm = found.output
    return runChild(join(pnpm, 'pnpm'), ['install', '--frozen-lockfile', '--prefer-offline', ...plain], {
      path: [pnpm],
    })
  })
  if (!passed) return null
  writeFileSync(stampFile, JSON.stringify({ wanted, pnpm }))
  return pnpm
}

/** One line per step, and no question whether a `node_modules` of another make may go: nobody may be there to answer. */
const plain = ['--reporter=append-only', '--config.confirm-modules-purge=false']

/** Lets npx fetch the pnpm that package.json names, and asks where it has put it. */
async function findPnpm() {
  const script =
    "const{delimiter:d,join}=require('path');console.log('pnpm in '+process.env.PATH.split(d).find(p=>['pnpm','pnpm.cmd'].some(f=>require('fs').existsSync(join(p,f)))))"
  const [npx, ...first] = npxCommand()
  const result = await runChild(npx, [...first, '--yes', `--package=${packageManager}`, '--', 'node', '-e', script])
  const folder = /^pnpm in (.+)$/m.exec(result.output)?.[1]
  return result.code === 0 && folder ? { code: 0, output: folder } : { ...result, code: result.code || 1 }
}

/** The npx of the npm that runs this script, else the one on PATH. */
function npxCommand() {
  const npm = process.env.npm_execpath ?? ''
  const npx = join(dirname(npm), 'npx-cli.js')
  return npm.endsWith('npm-cli.js') && existsSync(npx) ? [process.execPath, npx] : ['npx']
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'))
  } catch {
    return null
  }
}
