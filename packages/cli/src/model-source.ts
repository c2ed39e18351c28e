import { readdir, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { OutriderError } from '@outrider/tensor'
import { parseHubId } from '@outrider/transformer'
import { nearest } from './nearest'

/**
 * Before anything is opened: what a model is given as is there, or is written as the Hub's names are.
 *
 * @param option  in which it was given
 * @throws OutriderError FILE_MISSING with what is there instead, INVALID_ARGUMENT for what can be no model
 */
export async function checkModelSource(option: string, source: string): Promise<void> {
  if (source.trim() === '')
    throw new OutriderError('INVALID_ARGUMENT', `${option} is empty.`, { remedy: `Give it ${what}.` })
  if (/^https?:\/\//.test(source) || isHubName(source)) return
  const found = await stat(source).catch(() => undefined)
  if (found?.isDirectory() || (found && /\.gguf$/i.test(source))) return
  if (found)
    throw new OutriderError('INVALID_ARGUMENT', `${option} is ${source}, a file that is no .gguf file.`, {
      remedy: `Give the folder that it is in: ${dirname(source)}`,
    })
  throw new OutriderError(
    'FILE_MISSING',
    `There is no ${/\.gguf$/i.test(source) ? 'file' : 'model directory'} ${source}.`,
    {
      remedy: await adviceFor(source),
      details: { file: source },
    },
  )
}

/**
 * An error of a hub, of a name that may have been meant as a folder.
 *
 * @returns it with that said
 */
export async function withFolderAdvice(error: unknown, source: string): Promise<unknown> {
  if (!(error instanceof OutriderError) || !isHubName(source) || (await exists(source))) return error
  if (error.code !== 'FILE_MISSING' && error.code !== 'NETWORK') return error
  const { code, message, remedy, details } = error
  const text = remedy && message.endsWith(remedy) ? message.slice(0, -remedy.length).trimEnd() : message
  const folder = `A folder ${source} is not here either; ./${source} would name nothing but a folder.`
  return new OutriderError(code, text, { remedy: remedy ? `${remedy} ${folder}` : folder, cause: error, details })
}

const what = 'the path of a Hugging Face model directory or of a .gguf file, or org/name of the Hub'

/** `org/name`, `org/name@revision`, `org/name/file.gguf`. */
const isHubName = (source: string): boolean =>
  parseHubId(source) !== undefined || (/\.gguf$/i.test(source) && parseHubId(dirname(source)) !== undefined)

async function adviceFor(source: string): Promise<string> {
  if (source.startsWith('~')) return 'The shell leaves ~ as it is within quotes and after =: write $HOME in its place.'
  const folder = dirname(source)
  const names = await readdir(folder).catch(() => undefined)
  if (!names) return `Check the path: there is no folder ${folder} either.`
  const near = nearest(basename(source), names)
  if (near !== undefined)
    return `Did you mean ${folder === '.' && !source.startsWith('.') ? near : `${folder}/${near}`}?`
  return /[/\\]/.test(source)
    ? 'Check the path, and that the model has been downloaded or written there.'
    : `Give ${what}: models of the Hub have both parts.`
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
