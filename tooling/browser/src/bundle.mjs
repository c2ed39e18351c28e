import { build } from 'esbuild'

/** One browser script of a TypeScript module, our packages taken from their sources, WGSL files as text. */
export async function bundle(module) {
  const { outputFiles } = await build({
    entryPoints: [module],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['@outrider/source', 'browser', 'module', 'import'],
    loader: { '.wgsl': 'text' },
    sourcemap: 'inline',
    logLevel: 'silent',
  })
  return outputFiles[0].text
}
