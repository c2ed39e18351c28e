import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'

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
  const { code } = await transform(await readFile(path, 'utf8'), {
    loader: 'ts',
    target: 'node20',
    format: 'esm',
    sourcemap: 'inline',
    sourcefile: path,
  })
  return module(code)
}

function fieldsOf(json) {
  const names = Object.keys(json).filter((name) => /^[a-z]\w*$/.test(name) && name !== 'private')
  return `const json = ${JSON.stringify(json)}\nexport default json\nexport const { ${names.join(', ')} } = json`
}
