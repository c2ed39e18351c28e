import { OutriderError } from '@outrider/tensor'
import { type Directory, directory } from '@outrider/transformer'
import { type FilePlace, placeOf } from './open-file'

/** Files by their paths (Node), patterns among them, or files of a directory. */
export type FilePatterns = string | readonly string[] | { directory: Directory; files: readonly string[] }

/** How files are named in errors. */
export const nameOf = (files: FilePatterns): string =>
  typeof files === 'string' ? files : 'directory' in files ? files.directory.name : files.join(', ')

/**
 * The files that are meant, those of a pattern in the order of their names. The last part of a pattern may have `*`.
 *
 * @param inFolder  of a folder, which files
 * @throws OutriderError FILE_MISSING where nothing matches; INVALID_ARGUMENT for a folder of several splits, or a pipe
 */
export async function filesOf(files: FilePatterns, inFolder: RegExp): Promise<(FilePlace & { name: string })[]> {
  if (typeof files !== 'string' && 'directory' in files)
    return files.files.map((file) => ({ directory: files.directory, file, name: `${files.directory.name}/${file}` }))
  const found: (FilePlace & { name: string })[] = []
  for (const pattern of typeof files === 'string' ? [files] : files) found.push(...(await matching(pattern, inFolder)))
  return found
}

async function matching(pattern: string, inFolder: RegExp): Promise<(FilePlace & { name: string })[]> {
  const place = placeOf(pattern)
  if (!place.file.includes('*')) {
    if (await place.directory.has(place.file)) return [{ ...place, name: pattern }]
    const names = (await filesOfFolder(pattern, inFolder)) ?? (await nothingAt(pattern, place))
    return names.map((name) => ({ ...placeOf(name), name }))
  }
  const matcher = new RegExp(`^${place.file.split('*').map(escapeRegExp).join('.*')}$`)
  const names = (await place.directory.list()).filter((name) => matcher.test(name))
  if (names.length === 0)
    throw new OutriderError('FILE_MISSING', `No file matches ${pattern}.`, {
      remedy: 'Check the pattern; only its last part may have *.',
    })
  const folder = pattern.slice(0, pattern.length - place.file.length)
  return names.map((file) => ({ directory: place.directory, file, name: folder + file }))
}

/** Says what a path is that is neither a file nor a folder. */
async function nothingAt(path: string, { directory, file }: FilePlace): Promise<never> {
  const isThere = await directory.size(file).then(
    () => true,
    () => false,
  )
  if (isThere)
    throw new OutriderError('INVALID_ARGUMENT', `${path} is a pipe or a device, and files are read more than once.`, {
      remedy: 'Write it into a file first.',
    })
  if (/^\w{2,}:\/\//.test(path))
    throw new OutriderError('INVALID_ARGUMENT', `${path} is an address, and files are read from this machine.`, {
      remedy: 'Download it first. A program may give a directory(address) with the names of its files.',
    })
  if (path.includes('*'))
    throw new OutriderError('FILE_MISSING', `There is no file or folder ${path}.`, {
      remedy: 'Of a pattern only the last part may have *. Let the shell find the files: leave the quotes away.',
    })
  throw new OutriderError('FILE_MISSING', `There is no file or folder ${path}.`, {
    remedy: /^[\w.-]+\/[\w.-]+$/.test(path)
      ? `Check the path. A data set of the Hub is downloaded first: hf download --repo-type dataset ${path}.`
      : 'Check the path.',
    details: { file: path },
  })
}

/** The files that are meant by a folder: in it, or in its `data`, as data sets of the Hub are laid out; undefined where there is no folder. */
async function filesOfFolder(path: string, inFolder: RegExp): Promise<string[] | undefined> {
  const folder = path.replace(/[/\\]+$/, '')
  for (const inside of [folder, `${folder}/data`]) {
    const listed = await directory(inside)
      .list()
      .catch(() => undefined)
    if (!listed && inside === folder) return undefined
    const names = listed?.filter((name) => inFolder.test(name) && !name.startsWith('.')) ?? []
    if (names.length === 0) continue
    const stems = names.map((name) => name.replace(/\.\w+$/, '').replace(/[-_.]?\d+(-of-\d+)?$/, ''))
    const splits = stems.some((stem) => splitName.test(stem)) ? [...new Set(stems)] : []
    if (splits.length > 1)
      throw new OutriderError('INVALID_ARGUMENT', `${inside} holds several splits: ${splits.join(', ')}.`, {
        remedy: `Name the files of one: ${inside}/${splits[0]}-*.`,
      })
    return names.map((name) => `${inside}/${name}`)
  }
  throw new OutriderError('FILE_MISSING', `The folder ${folder} holds no file that is read here.`, {
    remedy: 'Name the files. What save_to_disk of datasets wrote is Arrow: write it with to_parquet.',
  })
}

/** How the parts of a data set are called that are not to be learned together. */
const splitName = /^(train|test|validation|valid|val|dev|eval|holdout)(?![a-z])/i

const escapeRegExp = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
