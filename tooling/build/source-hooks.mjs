import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'

/** Relative imports have no extension in the sources: './shape' is shape.ts, or shape/index.ts. */
export async function resolve(specifier, context, next) {
  if (
    specifier.startsWith('.') &&
    context.parentURL?.startsWith('file:') &&
    !/\.(m?js|json|wgsl|ts)$/.test(specifier)
  ) {
    for (const ending of ['.ts', '/index.ts']) {
      const url = new URL(specifier + ending, context.parentURL)
      if (existsSync(url)) return next(url.href, context)
    }
  }
  return next(specifier, context)
}

/** TypeScript loses its types; WGSL becomes its text. */
export async function load(url, context, next) {
  if (url.endsWith('.wgsl')) {
    const text = await readFile(fileURLToPath(url), 'utf8')
    return { format: 'module', shortCircuit: true, source: `export default ${JSON.stringify(text)}` }
  }
  if (!url.endsWith('.ts')) return next(url, context)
  const path = fileURLToPath(url)
  const { code } = await transform(await readFile(path, 'utf8'), {
    loader: 'ts',
    target: 'node20',
    format: 'esm',
    sourcemap: 'inline',
    sourcefile: path,
  })
  return { format: 'module', shortCircuit: true, source: code }
}
