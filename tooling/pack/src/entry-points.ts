import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packages } from './packed-project'

export interface EntryPoint {
  /** As a program imports it: '@outrider/tensor/node'. */
  specifier: string
  /** Whether a page may import it. The command line is for Node alone; its small world is not. What listens is, too. */
  forBrowsers: boolean
  /** Whether it is imported for what it does, as the package's `sideEffects` say. */
  hasSideEffects: boolean
}

const forNode = /^(outrider|@outrider\/server\/node|@outrider\/software-adapter(\/.+)?)$/

interface Manifest {
  sideEffects: false | string[]
  exports: Record<string, string | { default?: string }>
}

/** Every module that the packages export. */
export const entryPoints: EntryPoint[] = packages.flatMap(({ name, folder }) => {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  return Object.entries(manifest.exports)
    .filter(([path]) => path !== './package.json')
    .map(([path, target]) => ({
      specifier: name + path.slice(1),
      forBrowsers: !forNode.test(name + path.slice(1)),
      hasSideEffects:
        typeof target === 'object' &&
        manifest.sideEffects !== false &&
        manifest.sideEffects.includes(target.default ?? ''),
    }))
})
