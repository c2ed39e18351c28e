import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = join(root, '.github/workflows')

interface Step {
  uses?: string
  run?: string
  with?: Record<string, unknown>
  env?: Record<string, string>
}
interface Job {
  needs?: string | string[]
  permissions?: Record<string, string>
  environment?: string
  steps: Step[]
}
interface Workflow {
  permissions: Record<string, string>
  jobs: Record<string, Job>
}

const names = readdirSync(folder)
const texts = new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
const read = (name: string) => parse(texts.get(name)!) as Workflow
const runsOf = ({ steps }: Job) => steps.flatMap(({ run }) => (run === undefined ? [] : [run]))

describe('the workflows', () => {
  for (const name of names) {
    it(`${name} takes every action by the hash of its commit, with the version beside it`, () => {
      const used = Object.values(read(name).jobs).flatMap(({ steps }) => steps.flatMap(({ uses }) => uses ?? []))
      expect(used.length).toBeGreaterThan(0)
      for (const action of used) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/)
      const lines = texts.get(name)!.match(/^.*\buses: .*$/gm)!
      for (const line of lines) expect(line).toMatch(/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
    })

    it(`${name} may read the repository, or less, where no job says more`, () => {
      expect(Object.entries(read(name).permissions).filter(([, right]) => right !== 'read')).toEqual([])
    })

    it(`${name} names no registry, and holds no token of npm's`, () => {
      expect(texts.get(name)).not.toMatch(
        /registry-url|--registry|registry\.npmjs|NPM_TOKEN|NODE_AUTH_TOKEN|_authToken/i,
      )
    })
  }

  it('take one version of an action', () => {
    const versions = new Map<string, Set<string>>()
    for (const text of texts.values())
      for (const [, action, version] of text.matchAll(/uses: (.+?)@(.+)$/gm))
        versions.set(action!, (versions.get(action!) ?? new Set()).add(version!))
    for (const [action, used] of versions) expect([...used], action).toHaveLength(1)
  })
})

describe('the release', () => {
  const { jobs } = read('release.yml')
  const publishing = Object.entries(jobs).filter(([, job]) => runsOf(job).some((run) => /\bnpm publish\b/.test(run)))
  const [publishName, publish] = publishing[0]!

  it('is published by one job, which is trusted by its identity and may do nothing else', () => {
    expect(publishing).toHaveLength(1)
    expect(publish.permissions).toEqual({ 'id-token': 'write' })
    expect(publish.environment).toBe('npm')
    for (const [name, { permissions }] of Object.entries(jobs))
      if (name !== publishName) expect(permissions, name).not.toHaveProperty('id-token')
  })

  it('is published by a job that has no repository, and runs no test, build or script of a package', () => {
    const actions = publish.steps.flatMap(({ uses }) => uses?.split('@')[0] ?? [])
    expect(actions).toEqual(['actions/setup-node', 'actions/download-artifact'])
    const commands = runsOf(publish).join('\n')
    expect(commands).not.toMatch(/\b(npm (test|run|ci|i|install|exec)|npx|pnpm|yarn|turbo|vitest|git|curl)\b/)
    expect(commands).toMatch(/npm publish "\$tarball" --access public --ignore-scripts/)
    expect(publish.steps.flatMap(({ env }) => Object.keys(env ?? {}))).toEqual([])
  })

  it('is published with a Node whose npm knows trusted publishing (11.5.1 or later)', () => {
    const node = publish.steps.find(({ uses }) => uses?.startsWith('actions/setup-node@'))
    expect(Number(node!.with!['node-version'])).toBeGreaterThanOrEqual(24)
  })

  it('is what another job has tested, stamped and packed, in this order', () => {
    const pack = jobs[publish.needs as string]!
    expect(runsOf(pack)).toEqual(['npm test', 'node tooling/setup/stamp-repository.mjs', 'npm run tarballs'])
    expect(pack.permissions).toEqual({ contents: 'read' })
    const uploaded = pack.steps.find(({ uses }) => uses?.startsWith('actions/upload-artifact@'))!.with!
    const downloaded = publish.steps.find(({ uses }) => uses?.startsWith('actions/download-artifact@'))!.with!
    expect(uploaded.name).toBe(downloaded.name)
    expect(uploaded.path).toBe('tarballs/*.tgz')
  })
})
