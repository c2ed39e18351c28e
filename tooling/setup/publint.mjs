// publint for every package: what would be published is checked as the tarball would hold it.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { root } from './child.mjs'

const packages = readdirSync(`${root}packages`).map((name) => join(root, 'packages', name))
let failed = false
for (const pkgDir of packages) {
  const pkg = JSON.parse(readFileSync(join(pkgDir, 'package.json'), 'utf8'))
  const { messages } = await publint({ pkgDir, strict: true, pack: 'pnpm' })
  failed ||= messages.length > 0
  for (const message of messages)
    console.log(`${pkg.name}: ${message.type}: ${formatMessage(message, pkg, { color: false })}`)
}
process.exitCode = failed ? 1 : 0
