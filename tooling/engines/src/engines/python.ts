import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * An interpreter that has these packages: the one that is given, or that of a virtual environment in `folder`, made and filled once.
 *
 * @throws Error where there is no Python, or pip fails
 */
export function pythonWith(packages: readonly string[], folder: string, given: string | undefined): string {
  if (given !== undefined) {
    if (existsSync(given)) return given
    throw new Error(`There is no Python at ${given}.`)
  }
  const python = join(folder, 'bin', 'python')
  const stamp = join(folder, 'installed.txt')
  if (existsSync(stamp)) return python
  const system = ['python3', 'python'].find((name) => spawnSync(name, ['-m', 'venv', '--help']).status === 0)
  if (!system)
    throw new Error(
      'There is no Python with venv. Install Python 3.10 to 3.13, or name an interpreter that has the packages.',
    )
  console.log(`  installing ${packages.join(' ')} into ${folder}`)
  mkdirSync(folder, { recursive: true })
  run(system, ['-m', 'venv', folder])
  run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages])
  writeFileSync(stamp, packages.join('\n'))
  return python
}

function run(command: string, args: string[]): void {
  const { status } = spawnSync(command, args, { stdio: 'inherit' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}.`)
}

/** A package's version, as it is installed. */
export function versionOf(python: string, name: string): string {
  const program = `from importlib.metadata import version; print(version(${JSON.stringify(name)}))`
  const { stdout, status } = spawnSync(python, ['-c', program], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : 'of an unknown version'
}
