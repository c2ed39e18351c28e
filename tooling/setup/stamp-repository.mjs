// Before publishing: every package's manifest is told the repository that the workflow runs in. npm shows it, resolves the
// READMEs' relative links by it, and accepts a provenance statement only where it is the repository that built the package.
// The manifests in git name none: where this repository is hosted is known to the machine that publishes, not to the files.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from './child.mjs'

export function stampRepository(packagesFolder, { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository }) {
  if (!server || !repository)
    throw new Error('GITHUB_SERVER_URL and GITHUB_REPOSITORY say where the repository is; a GitHub workflow sets them.')
  const address = `${server}/${repository}`
  for (const name of readdirSync(packagesFolder)) {
    const file = join(packagesFolder, name, 'package.json')
    const manifest = JSON.parse(readFileSync(file, 'utf8'))
    manifest.homepage = `${address}/tree/HEAD/packages/${name}#readme`
    manifest.bugs = { url: `${address}/issues` }
    manifest.repository = { type: 'git', url: `git+${address}.git`, directory: `packages/${name}` }
    writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`)
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url))
  stampRepository(join(root, 'packages'), process.env)
