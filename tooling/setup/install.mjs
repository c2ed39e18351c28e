import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { binaries, root, runChild } from './child.mjs'
import { findPnpm, packageManager } from './pnpm.mjs'
import { stage } from './stage.mjs'

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

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'))
  } catch {
    return null
  }
}
