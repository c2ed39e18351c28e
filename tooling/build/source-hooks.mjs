import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Relative imports have no extension in the sources: './shape' is shape.ts, or shape/index.ts. */
export async function resolve(specifier, context, next) {
  if (
    specifier.startsWith('.') &&
    context.parentURL?.startsWith('file:') &&
    !/\.(m?js|json|wgsl|html|ts)$/.test(specifier)
  ) {
    for (const ending of ['.ts', '/index.ts']) {
      const url = new URL(specifier + ending, context.parentURL)
      if (existsSync(url)) return next(url.href, context)
    }
  }
  return next(specifier, context)
}

/** TypeScript loses its types; WGSL and HTML become their text; JSON becomes its fields, as bundlers have it. */
export async function load(url, context, next) {
  const path = url.startsWith('file:') ? fileURLToPath(url) : ''
  const module = (source) => ({ format: 'module', shortCircuit: true, source })
  if (/\.(wgsl|html)$/.test(path)) return module(`export default ${JSON.stringify(await readFile(path, 'utf8'))}`)
  if (path.endsWith('.json') && context.importAttributes?.type === undefined)
    return module(fieldsOf(JSON.parse(await readFile(path, 'utf8'))))
  if (!path.endsWith('.ts')) return next(url, context)
  return module(await withoutTypes(path, await readFile(path, 'utf8')))
}

const kept = fileURLToPath(new URL('node_modules/.outrider-sources/', import.meta.url))
const esbuild = createRequire(import.meta.url).resolve('esbuild') // its version is in its path

/** The JavaScript of a TypeScript file, kept by its text: a suite starts dozens of processes, and each reads hundreds of files. */
async function withoutTypes(path, source) {
  const options = { loader: 'ts', target: 'node20', format: 'esm', sourcemap: 'inline', sourcefile: path }
  const key = createHash('sha256')
    .update(JSON.stringify([esbuild, options, source]))
    .digest('hex')
  const found = await readFile(`${kept}${key}.js`, 'utf8').catch(() => undefined)
  if (found !== undefined) return found
  const { transform } = await import('esbuild')
  const { code } = await transform(source, options)
  // Written beside its place and renamed: another process may be at the same.
  const partial = `${kept}${key}.${process.pid}`
  await mkdir(kept, { recursive: true })
  await writeFile(partial, code)
  await rename(partial, `${kept}${key}.js`)
  return code
}

function fieldsOf(json) {
  const names = Object.keys(json).filter((name) => /^[a-z]\w*$/.test(name) && name !== 'private')
  return `const json = ${JSON.stringify(json)}\nexport default json\nexport const { ${names.join(', ')} } = json`
}
