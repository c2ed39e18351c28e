import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundleEntry } from './bundle-size'

let project: string
/** As long when it is compressed. */
const constant = (name: string, bytes: number) =>
  `export const ${name} = '${randomBytes((3 * bytes) / 4).toString('base64')}'`
const files = {
  'server/package.json': '{ "type": "module", "exports": { ".": "./index.js", "./node": "./node.js" } }',
  'server/index.js': constant('app', 4000),
  'server/node.js': `import '@outrider/tensor'\nexport * from '@outrider/server'\n${constant('listen', 1000)}`,
  'tensor/package.json': '{ "type": "module", "exports": "./index.js" }',
  'tensor/index.js': constant('device', 16_000),
}

beforeAll(async () => {
  project = await realpath(await mkdtemp(join(tmpdir(), 'outrider-bundle-')))
  for (const [name, text] of Object.entries(files)) {
    const path = join(project, 'node_modules/@outrider', name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
  return () => rm(project, { recursive: true })
})

describe('the size of an entry point', () => {
  const of = async (specifier: string, forBrowsers: boolean) =>
    (await bundleEntry({ specifier, forBrowsers, hasSideEffects: false }, project)).gzipBytes

  it("for Node is that of its own package's code, and of no other package", async () => {
    expect(await of('@outrider/server/node', false)).toBeGreaterThan(3500)
    expect(await of('@outrider/server/node', false)).toBeLessThan(5500)
  })

  it('for browsers is that of all that it imports', async () => {
    expect(await of('@outrider/tensor', true)).toBeGreaterThan(11_000)
  })
})
