import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { stampRepository } from './stamp-repository.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8')
const names = readdirSync(join(root, 'packages'))

/** What is imported or started for what it does. */
const withSideEffects: Record<string, string[]> = {
  outrider: ['./dist/main.js', './src/main.ts'],
  '@outrider/software-adapter': ['./src/register.mjs'],
}

const workspaceManifests = () => [
  read('package.json'),
  read('docs', 'package.json'),
  ...['packages', 'tooling', 'examples'].flatMap((room) =>
    readdirSync(join(root, room))
      .filter((name) => existsSync(join(root, room, name, 'package.json')))
      .map((name) => read(room, name, 'package.json')),
  ),
]

describe('what a release needs', () => {
  for (const name of names)
    it(`packages/${name} says what npm and a bundler ask`, () => {
      const manifest = JSON.parse(read('packages', name, 'package.json'))
      expect(manifest).toMatchObject({
        description: expect.stringMatching(/\.$/),
        license: 'Apache-2.0',
        type: 'module',
        engines: { node: '>=20.19' },
        publishConfig: { access: 'public' },
      })
      expect(manifest.keywords.length).toBeGreaterThan(4)
      expect(manifest.sideEffects).toEqual(withSideEffects[manifest.name] ?? false)
    })

  it('has Chromium, of which the software adapter is made, as a dependency of that package alone', () => {
    const manifests = workspaceManifests().filter((manifest) => /"@sparticuz\/chromium": /.test(manifest))
    expect(manifests.map((manifest) => JSON.parse(manifest).name)).toEqual(['@outrider/software-adapter'])
  })

  for (const readme of ['README.md', ...names.map((name) => `packages/${name}/README.md`)])
    it(`${readme} is one screen`, () => {
      expect(read(readme).split('\n').length).toBeLessThanOrEqual(80)
    })

  it('tells every package the repository that publishes it, as provenance demands', () => {
    const folder = mkdtempSync(join(tmpdir(), 'outrider-stamp-'))
    try {
      for (const name of names)
        cpSync(join(root, 'packages', name, 'package.json'), join(folder, name, 'package.json'), { recursive: true })
      stampRepository(folder, { GITHUB_SERVER_URL: 'https://git.example', GITHUB_REPOSITORY: 'someone/outrider' })
      for (const name of names)
        expect(JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8'))).toEqual({
          ...JSON.parse(read('packages', name, 'package.json')),
          homepage: `https://git.example/someone/outrider/tree/HEAD/packages/${name}#readme`,
          bugs: { url: 'https://git.example/someone/outrider/issues' },
          repository: {
            type: 'git',
            url: 'git+https://git.example/someone/outrider.git',
            directory: `packages/${name}`,
          },
        })
      expect(() => stampRepository(folder, {})).toThrow('GITHUB_REPOSITORY')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('is published by a workflow that may sign a provenance statement', () => {
    const workflow = read('.github/workflows/release.yml')
    expect(workflow).toMatch(/^ {2}id-token: write/m)
    expect(workflow).toMatch(/^ +NPM_CONFIG_PROVENANCE: true$/m)
    expect(workflow).toMatch(/^ +publish: pnpm run release$/m)
    expect(JSON.parse(read('package.json')).scripts.release).toMatch(/stamp-repository\.mjs && changeset publish$/)
  })

  it('has changesets that name packages which exist', () => {
    const published = names.map((name) => JSON.parse(read('packages', name, 'package.json')).name)
    for (const file of readdirSync(join(root, '.changeset')).filter((file) => /^[^R].*\.md$/.test(file))) {
      const [, header, text] = read('.changeset', file).split('---\n')
      for (const [, name] of header!.matchAll(/^"(.+)": (?:patch|minor|major)$/gm)) expect(published).toContain(name)
      expect(header!.trim()).not.toBe('')
      expect(text!.trim()).not.toBe('')
    }
  })
})
