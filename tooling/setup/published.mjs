// What would be published, as npm would hold it: every package is packed once, and publint (strict) and attw (for packages
// that are ESM alone) read the tarball.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { packAll } from './tarballs.mjs'

// attw's profile "esm-only": how CommonJS and Node 10 would resolve these packages is not asked.
const askedResolutions = new Set(['node16-esm', 'bundler'])

const folder = mkdtempSync(join(tmpdir(), 'outrider-tarballs-'))
try {
  const packed = await packAll(folder, [])
  if (packed.code !== 0) throw new Error(packed.output)
  const problems = []
  const tarballs = readdirSync(folder)
  if (tarballs.length === 0) throw new Error('pnpm packed nothing')
  for (const file of tarballs) {
    const tarball = readFileSync(join(folder, file))
    for (const problem of [...(await publintProblems(tarball)), ...(await attwProblems(tarball))])
      problems.push(`${file}: ${problem}`)
  }
  for (const problem of problems) console.log(problem)
  process.exitCode = problems.length > 0 ? 1 : 0
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function publintProblems(tarball) {
  const { messages, pkg } = await publint({ strict: true, pack: { tarball: arrayBufferOf(tarball) } })
  return messages.map((message) => `publint: ${message.type}: ${formatMessage(message, pkg, { color: false })}`)
}

async function attwProblems(tarball) {
  const result = await checkPackage(createPackageFromTarballData(tarball))
  if (!result.types) return ['attw: it has no types']
  return result.problems
    .filter(({ resolutionKind }) => resolutionKind === undefined || askedResolutions.has(resolutionKind))
    .map((problem) => `attw: ${JSON.stringify(problem)}`)
}

function arrayBufferOf({ buffer, byteOffset, byteLength }) {
  return buffer.slice(byteOffset, byteOffset + byteLength)
}
