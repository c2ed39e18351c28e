import { readdir, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { OutriderError } from '@outrider/tensor'
import { nearest } from '@outrider/tensor/internal'

/**
 * Before any work: a file that will be read is there.
 *
 * @throws OutriderError FILE_MISSING that names what is there and nearest, or how a data set of the Hub is downloaded
 */
export async function checkInputFile(option: string, path: string): Promise<void> {
  if (await exists(path)) return
  const remedy = await adviceForMissing(path)
  const dataSet = /^[\w-][\w.-]*\/[\w.-]+$/.test(path) && !/\.\w+$/.test(path)
  const ofHub = `A data set of the Hub is downloaded first: hf download --repo-type dataset ${path}`
  throw new OutriderError('FILE_MISSING', `There is no file ${path} (${option}).`, {
    remedy: dataSet ? [remedy, ofHub].filter(Boolean).join(' ') : (remedy ?? 'Check the path.'),
    details: { file: path },
  })
}

/** What helps with a path that is not there; undefined where nothing is known but that. */
export async function adviceForMissing(path: string): Promise<string | undefined> {
  if (path.startsWith('~')) return 'The shell leaves ~ as it is within quotes and after =: write $HOME in its place.'
  if (path.startsWith('file:')) return 'Write it as a path, without file://.'
  if (/^\w{2,}:\/\//.test(path)) return 'It is an address: download it first.'
  const near = await nearestPath(path)
  if (near !== undefined) return `Did you mean ${near}?`
  return (await exists(dirname(path))) ? undefined : `Check the path: there is no folder ${dirname(path)} either.`
}

/** What is beside a path that is not there, under a name like it. */
export async function nearestPath(path: string): Promise<string | undefined> {
  const folder = dirname(path)
  const near = nearest(basename(path), await readdir(folder).catch(() => []))
  if (near === undefined) return undefined
  return folder === '.' && !path.startsWith('.') ? near : `${folder}/${near}`
}

export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
