import { OutriderError } from '@outrider/tensor'

/**
 * Where the tiny chat model is that comes with this package (Node): a Hugging Face directory. `examples/tiny-chat/train-target.ts`
 * trains it from nothing.
 */
export function bundledTarget(): string {
  const node = globalThis.process?.getBuiltinModule
  if (!node) throw new OutriderError('UNSUPPORTED', 'The bundled model is on disk, which needs Node 20.16 or later.')
  const { existsSync } = node('node:fs')
  const { fileURLToPath } = node('node:url')
  const here = import.meta.url
  // The package's root is one folder up from dist/, two from src/demo/.
  for (const up of ['../', '../../']) {
    const folder = fileURLToPath(new URL(`${up}assets/tiny-chat`, here))
    if (existsSync(`${folder}/config.json`)) return folder
  }
  throw new OutriderError('FILE_MISSING', 'The bundled model assets/tiny-chat is missing.', {
    remedy: 'Install the package outrider again.',
  })
}
