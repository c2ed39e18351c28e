import { OutriderError } from '@outrider/tensor'

type NodeModules = {
  'node:fs': typeof import('node:fs')
  'node:fs/promises': typeof import('node:fs/promises')
  'node:os': typeof import('node:os')
  'node:path': typeof import('node:path')
  'node:url': typeof import('node:url')
  'node:crypto': typeof import('node:crypto')
}

/** A module of Node, reached without an import, so that bundles for browsers hold no trace of it. */
export function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] {
  const found = globalThis.process?.getBuiltinModule?.(name)
  if (found) return found as unknown as NodeModules[Name]
  throw new OutriderError('UNSUPPORTED', 'Paths on disk need Node 20.16 or later.', {
    remedy:
      'In a browser, pass urlDirectory(address), opfsDirectory(path) or memoryDirectory(files) instead of a path.',
  })
}
