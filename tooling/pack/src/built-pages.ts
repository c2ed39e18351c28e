import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build as esbuild } from 'esbuild'
import { createLogger, build as vite } from 'vite'

const program = fileURLToPath(import.meta.resolve('@outrider/browser/whole-road'))
const html = (script: string) =>
  `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>A page</title><body>${script}`

/**
 * A page that trains, saves, loads and decodes, in the folder of a project that has the packages installed. The first thing
 * that it says in its body is the result, as JSON.
 */
async function pageIn(project: string, name: string): Promise<string> {
  const folder = join(project, name)
  await mkdir(folder, { recursive: true })
  await copyFile(program, join(folder, 'whole-road.ts'))
  await writeFile(
    join(folder, 'main.ts'),
    `import wholeRoad from './whole-road'\ndocument.body.textContent = JSON.stringify(await wholeRoad())\n`,
  )
  return folder
}

/** @returns the folder of the static site that Vite, as it comes, makes of the page, and Vite's warnings */
export async function viteSite(project: string): Promise<{ site: string; warnings: string[] }> {
  const folder = await pageIn(project, 'vite-project')
  await writeFile(join(folder, 'index.html'), html('<script type="module" src="/main.ts"></script>'))
  const warnings: string[] = []
  const customLogger = createLogger('silent')
  customLogger.warn = customLogger.warnOnce = (message) => warnings.push(message)
  // What a page of everything may weigh is a matter of size-budgets.json; Vite would warn from 500 kB on.
  const build = { target: 'es2022', chunkSizeWarningLimit: 900 }
  await vite({ root: folder, configFile: false, logLevel: 'warn', customLogger, build })
  return { site: join(folder, 'dist'), warnings }
}

/** The same with nothing but esbuild. */
export async function esbuildSite(project: string): Promise<{ site: string; warnings: string[] }> {
  const folder = await pageIn(project, 'esbuild-project')
  const site = join(folder, 'dist')
  const { warnings } = await esbuild({
    entryPoints: [join(folder, 'main.ts')],
    absWorkingDir: folder,
    outdir: site,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    logLevel: 'silent',
  })
  await writeFile(join(site, 'index.html'), html('<script type="module" src="/main.js"></script>'))
  return { site, warnings: warnings.map(({ text }) => text) }
}
