import type { Stats } from 'node:fs'
import { lstat, readlink, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { OutriderError } from '@outrider/tensor'

/** Where a path leads, links followed. */
export interface Place {
  /** Without links; of what is not there yet, where it will be. */
  path: string
  /** What is there. */
  found: Stats | undefined
}

/** What is written beside a file while it is made has a longer name. */
const longestName = 255 - 20

/**
 * Follows a path, also one of which the last parts are not there yet.
 *
 * @throws OutriderError INVALID_ARGUMENT for one that can never be: through a file, with too long a name, in a circle of links
 */
export async function placeOf(path: string, said = path): Promise<Place> {
  try {
    return { found: await stat(path), path: await realpath(path).catch(() => resolve(path)) }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') throw impossible(said, reasons[code ?? ''] ?? (error as Error).message)
  }
  const whole = resolve(path)
  if (Buffer.byteLength(basename(whole)) > longestName) throw impossible(said, reasons.ENAMETOOLONG!)
  const link = await lstat(whole).then(
    (found) => found.isSymbolicLink(),
    () => false,
  )
  const folder = dirname(whole)
  if (link) {
    const target = resolve(folder, await readlink(whole))
    const place = await placeOf(target, said)
    if (await isFolder(dirname(place.path))) return place
    throw impossible(said, `it is a link to ${target}, and there is no such folder`)
  }
  const above = await placeOf(folder, said)
  if (above.found && !above.found.isDirectory()) throw impossible(said, reasons.ENOTDIR!)
  return { path: join(above.path, basename(whole)), found: undefined }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )

const reasons: Record<string, string> = {
  ENOTDIR: 'a part of the path is a file',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'its links lead in a circle',
  EACCES: 'permission denied',
}

const impossible = (path: string, reason: string) =>
  new OutriderError('INVALID_ARGUMENT', `${path} cannot be written: ${reason}.`, { remedy: 'Write elsewhere.' })
