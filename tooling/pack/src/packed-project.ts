import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findPnpm } from '../../setup/pnpm.mjs'

export const root = fileURLToPath(new URL('../../../', import.meta.url))

interface Manifest {
  name: string
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

export interface Package {
  name: string
  folder: string
  /** Third-party names that it depends on. */
  dependencies: string[]
  /** Third-party names that its user installs beside it. */
  peers: string[]
}

export const packages: Package[] = readdirSync(join(root, 'packages')).map((directory) => {
  const folder = join(root, 'packages', directory)
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  const thirdParty = (names = {}) => Object.keys(names).filter((name) => !name.startsWith('@outrider/'))
  const { name, dependencies, peerDependencies } = manifest
  return { name, folder, dependencies: thirdParty(dependencies), peers: thirdParty(peerDependencies) }
})

/**
 * An empty project into which every package's tarball is installed, as npm would publish it.
 *
 * No network: third-party packages are linked to those that the repository has installed.
 *
 * @returns the project's folder
 */
export async function packedProject(): Promise<string> {
  const env = await environment()
  const pnpm = (cwd: string, args: string[]) => runProgram('pnpm', args, { cwd, env })
  await runProgram('turbo', ['run', 'build', '--output-logs=errors-only'], { cwd: root, env })

  const project = await mkdtemp(join(tmpdir(), 'outrider-packed-'))
  await pnpm(root, ['--recursive', '--filter', './packages/*', 'pack', '--pack-destination', project])
  const tarballs = Object.fromEntries(packages.map(({ name }) => [name, `file:${tarball(project, name)}`]))
  const links = (which: 'dependencies' | 'peers') =>
    Object.fromEntries(
      packages.flatMap(({ folder, [which]: names }) =>
        names.map((name) => [name, `link:${join(folder, 'node_modules', name)}`]),
      ),
    )
  const manifest = {
    name: 'empty-project',
    private: true,
    type: 'module',
    dependencies: { ...tarballs, ...links('peers'), '@types/node': `link:${join(root, 'node_modules/@types/node')}` },
    pnpm: { overrides: { ...tarballs, ...links('dependencies') } },
  }
  await writeFile(join(project, 'package.json'), JSON.stringify(manifest, null, 2))
  await pnpm(project, ['install', '--offline', '--ignore-workspace', '--ignore-scripts', '--reporter=append-only'])
  return project
}

function tarball(project: string, name: string): string {
  const prefix = `${name.replace('@', '').replace('/', '-')}-`
  const file = readdirSync(project).find((file) => file.startsWith(prefix) && /^\d/.test(file.slice(prefix.length)))
  if (!file) throw new Error(`pnpm pack left no tarball of ${name} in ${project}`)
  return join(project, file)
}

/** The repository's pnpm and the commands that it has installed come first. */
async function environment(): Promise<NodeJS.ProcessEnv> {
  const found = await findPnpm()
  if (found.code !== 0) throw new Error(`npx does not find pnpm:\n${found.output}`)
  const path = [found.output, join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter)
  const { pnpm_config_verify_deps_before_run: _, ...env } = process.env // as in tooling/setup/child.mjs
  return { ...env, PATH: path, TURBO_TELEMETRY_DISABLED: '1', CI: 'true' }
}

/** Runs a program to its end; its output is in the error where it fails. */
export async function runProgram(
  command: string,
  args: string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<string> {
  try {
    return (await promisify(execFile)(command, args, { ...options, maxBuffer: 2 ** 26 })).stdout
  } catch (error) {
    const { message, stdout = '', stderr = '' } = error as Error & { stdout?: string; stderr?: string }
    throw new Error(stdout + stderr === '' ? message : `${command} ${args.join(' ')}\n${stdout}${stderr}`)
  }
}
