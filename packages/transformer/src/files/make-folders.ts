import { nodeModule } from './node-module'

/**
 * Makes a folder and those above it; step by step, as `mkdir`'s own recursion never ends where a file system has a folder and
 * says that it has not (Node 20, /proc).
 *
 * @returns the highest that was made; undefined where all were there
 */
export async function makeFolders(folder: string): Promise<string | undefined> {
  const { mkdir, stat } = nodeModule('node:fs/promises')
  const { dirname } = nodeModule('node:path')
  const missing: string[] = []
  for (let at = folder; at !== dirname(at) && !(await stat(at).catch(() => undefined)); at = dirname(at))
    missing.unshift(at)
  for (const path of missing)
    await mkdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error // another process was quicker
    })
  return missing[0]
}
