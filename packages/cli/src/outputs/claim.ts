import { access, constants } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { planFile, runFolder } from '@outrider/align'
import { OutriderError } from '@outrider/tensor'
import { hubEnvironment, takeLock, writeFailure } from '@outrider/transformer'
import type { Context } from '../context'
import { type OutputFile, replacedFile, streamedFile } from './output-file'
import { type DirectoryKind, directoryLock, holdsUnfinishedRun, strangerIn } from './own-directories'
import { type Place, placeOf } from './place'

/** Paths that a command reads, by their options: models, data. Names of the Hub may be among them. */
export type Inputs = Record<string, string | readonly string[] | undefined>

/**
 * Makes sure, before any work, that a directory can be written, and that no other process writes it until the command ends.
 *
 * @param anew  a run begins there: it may hold none that is not finished, which would be lost
 * @returns the directory, links followed
 * @throws OutriderError INVALID_ARGUMENT where it is an input, in one or around one, holds what is not ours, or can never be;
 *   FILE_WRITE where it cannot be written; LOCKED where another process has it
 */
export async function claimDirectory(
  context: Context,
  path: string,
  { kind, inputs, anew = false }: { kind: DirectoryKind; inputs: Inputs; anew?: boolean },
): Promise<string> {
  const place = await placeOf(named(path))
  if (place.found && !place.found.isDirectory())
    throw refused(`${path} is ${place.found.isFile() ? 'a file' : 'no directory'}, and a directory is to be written.`)
  await refuseInputs(path, place, inputs, { isFolder: true })
  const stranger = place.found && (await strangerIn(place.path, kind).catch((error) => fail(path, error)))
  if (stranger !== undefined)
    throw refused(
      `${path} is not empty, and what is in it is not of ${makers[kind]}: ${stranger}.`,
      'Name a directory of its own: it is made.',
    )
  await lock(context, join(place.path, directoryLock), path)
  if (anew && (await holdsUnfinishedRun(place.path)))
    throw refused(
      `${path} holds a run that is not finished, which a new one would replace.`,
      'Go on with that run with --resume; or name another --out, or remove this one.',
    )
  return place.path
}

const makers: Record<DirectoryKind, string> = {
  shards: 'outrider score',
  run: 'a run of Outrider (there is no checkpoints.json)',
  model: 'a model that Outrider wrote',
  demo: 'a demo',
  align: `a run of align (there is no ${runFolder}/${planFile})`,
}

/**
 * The same for a file. Into a pipe or a device is written, of a link the file that it leads to; they stay what they are.
 *
 * @param needsFolder  whether its folder must be there; else it is made
 * @throws OutriderError as `claimDirectory`
 */
export async function claimFile(
  context: Context,
  path: string,
  { inputs, needsFolder = false }: { inputs: Inputs; needsFolder?: boolean },
): Promise<OutputFile> {
  const place = await placeOf(named(path))
  const { found } = place
  if (found?.isDirectory()) throw refused(`${path} is a folder.`, 'Name a file in it.')
  if (/[/\\]$/.test(path)) throw refused(`${path} is the name of a folder.`, 'Name a file in it.')
  if (found?.isBlockDevice() || found?.isSocket())
    throw refused(`${path} is ${found.isSocket() ? 'a socket' : 'a disk'}, and a file is to be written.`)
  if (needsFolder && !found && !(await placeOf(dirname(resolve(place.path)))).found)
    throw refused(`There is no folder ${dirname(path)} for ${basename(path)}.`, 'Make it first.')
  await refuseInputs(path, place, inputs, { isFolder: false })
  if (found) await access(path, constants.W_OK).catch((error) => fail(path, error))
  if (found && (!found.isFile() || isDescriptor(path))) {
    const file = streamedFile(path, context.signal)
    context.atEnd(() => file.close())
    return file
  }
  await lock(context, join(dirname(place.path), `.${basename(place.path)}.lock`), path)
  return replacedFile(place)
}

/** `/dev/stdout` and its like: what the process has open, which a new file under the same name would not be. */
const isDescriptor = (path: string): boolean => /^\/(dev|proc)\/(?!shm\/)/.test(resolve(path))

function named(path: string): string {
  if (path !== '') return path
  throw refused('The name of the output is empty.')
}

async function lock(context: Context, file: string, path: string): Promise<void> {
  const taken = await takeLock(file, path).catch((error) => fail(path, error))
  context.atEnd(taken.release)
}

async function refuseInputs(
  path: string,
  output: Place,
  inputs: Inputs,
  { isFolder }: { isFolder: boolean },
): Promise<void> {
  const all = Object.entries(inputs).flatMap(([option, paths]) =>
    [paths ?? []].flat().map((input) => ({ name: `${option} ${input}`, input })),
  )
  all.push({ name: "the cache of the Hub's models", input: hubEnvironment().cacheDirectory })
  for (const { name, input } of all) {
    const place = await placeOf(input).catch(() => undefined)
    if (!place) continue
    const same = place.path === output.path || (output.found && place.found && isSame(output.found, place.found))
    if (same) throw refused(`${path} is ${name}, which would be overwritten.`)
    if (output.path.startsWith(within(place.path)) && place.found?.isDirectory())
      throw refused(`${path} is inside ${name}, which is only read.`)
    if (isFolder && place.found && place.path.startsWith(within(output.path)))
      throw refused(`${path} holds ${name}, which is only read.`)
  }
}

const within = (folder: string): string => (folder.endsWith(sep) ? folder : folder + sep)

const isSame = (a: { dev: number; ino: number }, b: { dev: number; ino: number }): boolean =>
  a.dev === b.dev && a.ino === b.ino && a.ino !== 0

const refused = (message: string, remedy = 'Write elsewhere.') =>
  new OutriderError('INVALID_ARGUMENT', message, { remedy })

function fail(path: string, error: unknown): never {
  throw writeFailure(error, path)
}
