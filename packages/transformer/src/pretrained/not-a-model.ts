import { OutriderError } from '@outrider/tensor'
import { type Directory, directory } from '../files/index'
import type { Instead } from '../files/instead'
import { insteadOf } from '../files/instead'
import { nodeModule } from '../files/node-module'
import { otherModelIn } from '../files/other-models'
import { parseHubId } from '../hub/index'

/**
 * The error for a directory without config.json: with what is there, and where the model may be.
 *
 * @param names  the files in it; undefined where they cannot be listed
 */
export async function notAModel(files: Directory, names: readonly string[] | undefined): Promise<OutriderError> {
  const instead = names ? await contents(files, names) : await fileItself(files.name)
  const { name } = files
  const message = names
    ? `${name} has no config.json, so it is not a model directory${instead ? `: it ${instead.what}` : ''}.`
    : instead
      ? `${name} is not a model directory: it ${instead.what}.`
      : `There is no model directory ${name}.`
  return new OutriderError('FILE_MISSING', message, {
    remedy:
      instead?.remedy ??
      'Give the path of a Hugging Face model directory or of a .gguf file; a model of the Hub is downloaded with: npx @huggingface/hub download, huggingface-cli download, or git clone.',
    details: { directory: name, file: 'config.json' },
  })
}

async function contents(files: Directory, names: readonly string[]): Promise<Instead | undefined> {
  const place = await otherPlace(files, names)
  if (place) return place
  const other = await otherModelIn(files, names)
  if (other) return { what: `has ${other.what}`, remedy: other.remedy }
  if (names.length > 0) return undefined
  return { what: 'is empty', remedy: 'Check the path, and that the copy or download is complete.' }
}

const isModel = async (files: Directory, folder: string): Promise<boolean> =>
  files.has(`${folder}/config.json`).catch(() => false)

/** Folders that are looked into. */
const mostFolders = 50

/** Where the model is, that a folder holds one level below, or is a part of. */
async function otherPlace(files: Directory, names: readonly string[]): Promise<Instead | undefined> {
  const found: string[] = []
  const below = (folder?: string) => files.folders?.(folder).catch(() => []) ?? []
  const folders = (await below()).slice(0, mostFolders)
  // The cache of Hugging Face's tools has its files in snapshots/<commit>.
  if (folders.includes('snapshots'))
    folders.push(...(await below('snapshots')).slice(0, mostFolders).map((commit) => `snapshots/${commit}`))
  for (const folder of folders) if (await isModel(files, folder)) found.push(folder)
  if (found.length > 0)
    return {
      what: `holds ${found.length === 1 ? 'one' : `${found.length} of them`}, in ${found.slice(0, 3).join(', ')}`,
      remedy:
        parseHubId(files.name) && !(await isOnDisk(files.name, names))
          ? 'Download that folder, and give its path.'
          : `Give the path of the model itself: ${files.name}/${found[0]}.`,
    }
  const above = (await isOnDisk(files.name, names)) ? parentOf(files.name) : undefined
  if (above && (await directory(above).has('config.json')))
    return { what: 'is a folder of one', remedy: `Give the path of the model itself: ${above}.` }
  return undefined
}

/** Whether a directory is the folder on disk that it is named as. */
async function isOnDisk(path: string, names: readonly string[]): Promise<boolean> {
  if (!parentOf(path)) return false
  const there = await directory(path)
    .list()
    .catch(() => undefined)
  return there?.join('/') === names.join('/')
}

/** A path that is a file's, of a model's or another. */
async function fileItself(path: string): Promise<Instead | undefined> {
  const above = parentOf(path)
  if (!above) return undefined
  const file = nodeModule('node:path').basename(path)
  const folder = directory(above)
  if (!(await folder.has(file))) return undefined
  const first = await folder.read(file, { start: 0, end: 512 }).catch(() => new Uint8Array())
  const what = insteadOf(first, 'safetensors')?.what
  if (what !== undefined && /archive|compressed/.test(what))
    return { what: `is ${what}`, remedy: 'Unpack it, and give the path of the directory.' }
  if (what === 'a GGUF file')
    return {
      what: 'is a GGUF file',
      remedy: 'Its name must end in .gguf: make a copy or a link of such a name, and give the path of that.',
    }
  const isOfModel = await folder.has('config.json')
  return {
    what: 'is a file',
    remedy: isOfModel
      ? `Give the path of the directory that it is in: ${above}.`
      : 'Give the path of a directory with config.json, the weights and the tokenizer, or of a .gguf file.',
  }
}

/** The folder that a path is in; undefined outside Node, and of addresses. */
function parentOf(path: string): string | undefined {
  if (globalThis.process?.getBuiltinModule === undefined || /^[a-z]+:\/\//i.test(path)) return undefined
  const { dirname, resolve } = nodeModule('node:path')
  return dirname(resolve(path))
}
