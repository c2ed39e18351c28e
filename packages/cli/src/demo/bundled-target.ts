import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { OutriderError } from '@outrider/tensor'

/**
 * Where the tiny chat model is that comes with this package: a Hugging Face directory. `examples/tiny-chat/train-target.ts`
 * trains it from nothing.
 */
export function bundledTarget(): string {
  // The package's root is one folder up from dist/, two from src/demo/.
  for (const up of ['../', '../../']) {
    const folder = fileURLToPath(new URL(`${up}assets/tiny-chat`, import.meta.url))
    if (existsSync(`${folder}/config.json`)) return folder
  }
  throw new OutriderError('FILE_MISSING', 'The bundled model assets/tiny-chat is missing.', {
    remedy: 'Install the package outrider again.',
  })
}
