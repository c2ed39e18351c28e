import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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

  it('takes the types of WebGPU from @webgpu/types, and from the DOM where the compiler has them there', () => {
    const { imports, files, dependencies } = JSON.parse(read('packages', 'tensor', 'package.json'))
    const types = imports['#webgpu-types']
    expect(Object.keys(types)).toEqual(['types@>=6.0', 'types']) // the first that applies is taken
    expect(read('packages', 'tensor', types['types@>=6.0'])).toMatch(/^\/\/\/ <reference lib="dom" \/>$/m)
    expect(read('packages', 'tensor', types.types)).toMatch(/^\/\/\/ <reference types="@webgpu\/types" \/>$/m)
    expect(files).toContain('types')
    expect(dependencies).toHaveProperty('@webgpu/types')
  })

  it('raises every version by a minor where a change is a minor one', () => {
    const folder = mkdtempSync(join(tmpdir(), 'outrider-versions-'))
    const inFolder = (program: string, args: string[]) => execFileSync(program, args, { cwd: folder, stdio: 'pipe' })
    try {
      for (const name of names)
        cpSync(join(root, 'packages', name, 'package.json'), join(folder, 'packages', name, 'package.json'))
      cpSync(join(root, '.changeset/config.json'), join(folder, '.changeset/config.json'))
      writeFileSync(join(folder, '.changeset/one.md'), '---\n"@outrider/software-adapter": minor\n---\n\nA change.\n')
      writeFileSync(join(folder, 'package.json'), '{ "name": "root", "private": true }')
      writeFileSync(join(folder, 'pnpm-workspace.yaml'), 'packages:\n  - packages/*\n')
      // What only a checkout has is not asked for: workspace packages that are private.
      for (const name of names) withoutPrivate(join(folder, 'packages', name, 'package.json'))
      inFolder('git', ['init', '-q'])
      inFolder('git', ['add', '.'])
      inFolder('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', 'commit', '-qm', 'all'])
      inFolder(process.execPath, [join(root, 'node_modules/@changesets/cli/bin.js'), 'version'])
      const [major, minor] = JSON.parse(read('packages', 'tensor', 'package.json'))
        .version.split('.')
        .map(Number)
      for (const name of names)
        expect(JSON.parse(readFileSync(join(folder, 'packages', name, 'package.json'), 'utf8')).version, name).toBe(
          `${major}.${minor + 1}.0`,
        )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
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

function withoutPrivate(file: string) {
  const { devDependencies: _, ...manifest } = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(file, JSON.stringify(manifest))
}
