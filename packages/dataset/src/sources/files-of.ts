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
 * @param inFolder  of a folder, which files; without it a folder is no file
 * @throws OutriderError FILE_MISSING where nothing matches; INVALID_ARGUMENT for a folder of several splits
 */
export async function filesOf(files: FilePatterns, inFolder?: RegExp): Promise<(FilePlace & { name: string })[]> {
  if (typeof files !== 'string' && 'directory' in files)
    return files.files.map((file) => ({ directory: files.directory, file, name: `${files.directory.name}/${file}` }))
  const found: (FilePlace & { name: string })[] = []
  for (const pattern of typeof files === 'string' ? [files] : files) found.push(...(await matching(pattern, inFolder)))
  return found
}

async function matching(pattern: string, inFolder: RegExp | undefined): Promise<(FilePlace & { name: string })[]> {
  const place = placeOf(pattern)
  if (!place.file.includes('*')) {
    const names =
      inFolder && !(await place.directory.has(place.file)) ? await rowsOfFolder(pattern, inFolder) : undefined
    return names?.map((name) => ({ ...placeOf(name), name })) ?? [{ ...place, name: pattern }]
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

/** The files of rows in a folder, or in its `data`, as data sets of the Hub are laid out; undefined where there is no folder. */
async function rowsOfFolder(path: string, inFolder: RegExp): Promise<string[] | undefined> {
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
  throw new OutriderError('FILE_MISSING', `The folder ${folder} holds no rows: no .jsonl and no .parquet.`, {
    remedy: 'Name the files. What save_to_disk of datasets wrote is Arrow: write it with to_parquet.',
  })
}

/** How the parts of a data set are called that are not to be learned together. */
const splitName = /^(train|test|validation|valid|val|dev|eval|holdout)(?![a-z])/i

const escapeRegExp = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
