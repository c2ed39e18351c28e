import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { OutriderError } from '@outrider/tensor'
import { parseHubId } from '@outrider/transformer'
import { adviceForMissing, exists, nearestPath } from './missing-path'

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
  const isGguf = /\.gguf$/i.test(source)
  const found = await stat(source).catch(() => undefined)
  if (found?.isDirectory() || (found && isGguf)) return
  if (found)
    throw new OutriderError('INVALID_ARGUMENT', `${option} is ${source}, a file that is no .gguf file.`, {
      remedy: `Give the folder that it is in: ${dirname(source)}`,
    })
  const isWord = !/[/\\]/.test(source) && !isGguf
  const otherwise = isWord
    ? `Give ${what}: models of the Hub have both parts.`
    : 'Check the path, and that the model has been downloaded or written there.'
  throw new OutriderError('FILE_MISSING', `There is no ${isGguf ? 'file' : 'model directory'} ${source}.`, {
    remedy: (await adviceForMissing(source)) ?? otherwise,
    details: { file: source },
  })
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
  const near = await nearestPath(source)
  const folder = near
    ? `Or did you mean the folder ${near}?`
    : `A folder ${source} is not here either; ./${source} would name nothing but a folder.`
  return new OutriderError(code, text, { remedy: remedy ? `${remedy} ${folder}` : folder, cause: error, details })
}

const what = 'the path of a Hugging Face model directory or of a .gguf file, or org/name of the Hub'

/** `org/name`, `org/name@revision`, `org/name/file.gguf`. */
const isHubName = (source: string): boolean =>
  parseHubId(source) !== undefined || (/\.gguf$/i.test(source) && parseHubId(dirname(source)) !== undefined)
