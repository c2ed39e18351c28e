import { readdir, realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { OutriderError } from '@outrider/tensor'

/** A folder of drafts, and nothing outside it. */
export interface DraftsBelow {
  /** As its links say. */
  readonly root: string
  /**
   * Where a draft of the folder is: a folder or a .gguf file.
   *
   * @param given  its path from the folder on
   * @throws OutriderError INVALID_ARGUMENT for what is not in the folder, whether by .. or by a link, of itself or of one of its files;
   *   FILE_MISSING for what is not there
   */
  place(given: string): Promise<string>
}

/** @throws OutriderError INVALID_ARGUMENT for what is no folder */
export async function draftsBelow(folder: string): Promise<DraftsBelow> {
  const root = await realpath(folder).catch((cause: unknown) => {
    throw new OutriderError('INVALID_ARGUMENT', `There is no folder ${folder} (--drafts-below).`, { cause })
  })
  if (!(await stat(root)).isDirectory())
    throw new OutriderError('INVALID_ARGUMENT', `--drafts-below is ${folder}, which is no folder.`)
  return { root, place: (given) => placeBelow(root, given) }
}

async function placeBelow(root: string, given: string): Promise<string> {
  const shown = JSON.stringify(given.slice(0, 200))
  // Before the disk is asked: else the answer would tell what there is elsewhere.
  if (given.includes('\0') || isAbsolute(given) || !isBelow(root, resolve(root, given))) throw outside(shown)
  const place = await realpath(join(root, given)).catch(() => undefined)
  if (place !== undefined && !isBelow(root, place)) throw outside(shown)
  const found = place === undefined ? undefined : await stat(place).catch(() => undefined)
  if (place === undefined || !found)
    throw new OutriderError('FILE_MISSING', `There is no draft ${shown} in the folder of drafts.`, {
      remedy: 'Give its path from that folder on.',
    })
  if (found.isDirectory())
    for (const name of await readdir(place)) {
      const file = await realpath(join(place, name)).catch(() => undefined)
      if (file !== undefined && !isBelow(root, file)) throw outside(`${shown}, by its file ${JSON.stringify(name)},`)
    }
  return place
}

const outside = (shown: string): OutriderError =>
  new OutriderError('INVALID_ARGUMENT', `${shown} leads out of the folder of drafts.`, {
    remedy: 'Give the path of a draft from that folder on.',
  })

/** Whether a path is in a folder: both without links. The folder itself is not. */
function isBelow(root: string, path: string): boolean {
  const way = relative(root, path)
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}
