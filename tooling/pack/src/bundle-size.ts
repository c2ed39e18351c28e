import { gzipSync } from 'node:zlib'
import { build, type Metafile } from 'esbuild'
import type { EntryPoint } from './entry-points'
import { packages } from './packed-project'

export interface Bundle {
  /** Of what is loaded at once, minified and compressed: the entry and all that it imports, but not what it loads later. */
  gzipBytes: number
  /** Files that went in, below the project. */
  inputs: string[]
}

/**
 * An entry point with all that it exports as a bundler makes it of the installed packages.
 *
 * @param project  the folder in whose node_modules the packages are
 * @throws Error where something cannot be resolved, as a module of Node for a browser
 */
export async function bundleEntry({ specifier, forBrowsers }: EntryPoint, project: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export * from '${specifier}'`, resolveDir: project, sourcefile: 'entry.js' },
    absWorkingDir: project,
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    platform: forBrowsers ? 'browser' : 'node',
    external: forBrowsers ? [] : installedBeside(specifier),
    outdir: 'out',
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  const loaded = loadedAtOnce(metafile)
  const code = outputFiles.filter(({ path }) => loaded.has(path.slice(project.length + 1))).map(({ text }) => text)
  return {
    gzipBytes: code.reduce((sum, text) => sum + gzipSync(text, { level: 9 }).length, 0),
    inputs: Object.keys(metafile.inputs),
  }
}

/** What stays where it is installed in Node: all but the package itself. */
const installedBeside = (specifier: string): string[] =>
  packages
    .flatMap(({ name, dependencies }) => [name, ...dependencies])
    .filter((name) => name !== specifier && !specifier.startsWith(`${name}/`))

function loadedAtOnce({ outputs }: Metafile): Set<string> {
  const entry = Object.keys(outputs).find((path) => outputs[path]!.entryPoint === 'entry.js')
  if (!entry) throw new Error('esbuild names no entry')
  const found = new Set([entry])
  for (const path of found)
    for (const { path: imported, kind } of outputs[path]!.imports)
      if (kind === 'import-statement' && outputs[imported]) found.add(imported)
  return found
}
