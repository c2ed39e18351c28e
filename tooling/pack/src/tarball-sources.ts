import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

type Target = string | { [condition: string]: Target }

/**
 * What an installed package holds below `src` that none of its entries imports: doubles of tests, fixtures, what is dead.
 *
 * @param folder  of the package, as it is installed
 * @returns paths below the folder
 */
export function unreachedSources(folder: string): string[] {
  const { exports, bin = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    exports: Record<string, Target>
    bin?: Record<string, string>
  }
  const started = Object.values(bin).map((file) => file.replace(/^dist\/(.*)\.js$/, 'src/$1.ts'))
  const reached = new Set([...Object.values(exports).flatMap(files), ...started].map((file) => join(file)))
  for (const file of reached) for (const imported of importsOf(folder, file)) reached.add(imported)
  return (readdirSync(join(folder, 'src'), { recursive: true, withFileTypes: true }) as Entry[])
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((file) => !reached.has(file) && !ambient.includes(file))
    .sort()
}

/** What a module of WGSL or HTML is, to the compiler: imported by no name. */
const ambient = ['wgsl.d.ts', 'html.d.ts'].map((file) => join('src', file))

interface Entry {
  isFile(): boolean
  name: string
  parentPath: string
}

const files = (target: Target): string[] =>
  typeof target === 'string' ? [target] : Object.values(target).flatMap(files)

/** Files below the folder that a module names: what it imports or re-exports, and a file that it opens by its URL. */
function importsOf(folder: string, file: string): string[] {
  if (!/\.(ts|tsx|mjs|mts)$/.test(file) || !existsSync(join(folder, file))) return []
  const text = readFileSync(join(folder, file), 'utf8')
  return [...text.matchAll(/(?:from |import |import\(|new URL\()'(\.[^']*)'/g)].flatMap(([, specifier]) => {
    const path = join(dirname(file), specifier!)
    return ['', '.ts', '/index.ts']
      .map((ending) => path + ending)
      .filter((candidate) => existsSync(join(folder, candidate)))
  })
}
