import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packages } from './packed-project'

export interface EntryPoint {
  /** As a program imports it: '@outrider/tensor/node'. */
  specifier: string
  /** Whether a page may import it. The command line is for Node alone; its small world is not. */
  forBrowsers: boolean
}

/** Every module that the packages export. */
export const entryPoints: EntryPoint[] = packages.flatMap(({ name, folder }) => {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    exports: Record<string, unknown>
  }
  return Object.keys(manifest.exports)
    .filter((path) => path !== './package.json')
    .map((path) => ({ specifier: name + path.slice(1), forBrowsers: name !== 'outrider' || path === './tiny-chat' }))
})
