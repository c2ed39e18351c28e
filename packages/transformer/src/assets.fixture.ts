import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { OutriderError } from '@outrider/tensor'

/**
 * The path of a file or folder among the assets beside the checkout.
 *
 * @throws OutriderError FILE_MISSING by name where it is not there: a test that needs it fails, it does not skip itself
 */
export function asset(name: string): string {
  const path = fileURLToPath(new URL(`../../../../shared/assets/${name}`, import.meta.url))
  if (existsSync(path)) return path
  throw new OutriderError('FILE_MISSING', `The test asset ${path} is absent.`, {
    remedy: 'Put the assets beside the checkout, as ../shared/assets.',
  })
}
