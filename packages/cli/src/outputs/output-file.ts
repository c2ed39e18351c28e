import { constants, type FileHandle, open } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { FilePlace } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import { type Directory, directory, type FileContent, memoryDirectory } from '@outrider/transformer'
import type { Place } from './place'

/** A file to write: its folder and name, and what is to be done when all is written. */
export interface OutputFile extends FilePlace {
  close(): Promise<void>
}

/** A file that is replaced whole when it is complete: of a link, the file that it leads to. */
export const replacedFile = ({ path }: Place): OutputFile => ({
  directory: directory(dirname(path)),
  file: basename(path),
  close: async () => undefined,
})

/**
 * A pipe or a device: what is written goes into it, piece by piece. Nothing blocks, so that Ctrl-C ends the wait for a reader
 * that does not come, or does not read.
 */
export function streamedFile(path: string, signal: AbortSignal): OutputFile {
  let handle: FileHandle | undefined
  const pause = async () => {
    if (signal.aborted) throw new OutriderError('ABORTED', `Nobody has read ${path}.`)
    await setTimeout(pauseMilliseconds)
  }
  const opened = async (): Promise<FileHandle> => {
    for (;;) {
      const found = await open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK).catch(hasNoReader)
      if (found) return found
      await pause()
    }
  }
  const put = async (content: FileContent) => {
    try {
      handle ??= await opened()
      const bytes = typeof content === 'string' ? Buffer.from(content) : content
      for await (const chunk of bytes instanceof Uint8Array ? [bytes] : bytes)
        for (let at = 0; at < chunk.length; ) {
          const written = await handle.write(chunk, at).catch(isFull)
          if (written) at += written.bytesWritten
          else await pause()
        }
    } catch (error) {
      throw failure(path, error)
    }
  }
  const file = basename(path)
  const besides = memoryDirectory({}, dirname(path)) // there is nothing to read, and what belongs to the file goes with it
  const into: Directory = {
    ...besides,
    write: (name, content) => (name === file ? put(content) : besides.write(name, content)),
    append: (name, content, from) => (name === file ? put(content) : besides.append(name, content, from)),
    remove: async () => undefined,
  }
  return {
    directory: into,
    file,
    close: async () => handle?.close().catch(() => undefined),
  }
}

const pauseMilliseconds = 20

/** Of an error that says only that it is too early. */
const unless =
  (early: string) =>
  (error: NodeJS.ErrnoException): undefined => {
    if (error.code !== early) throw error
  }
const hasNoReader = unless('ENXIO')
const isFull = unless('EAGAIN')

function failure(path: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (!code || error instanceof OutriderError) return error
  const reason = { EPIPE: 'its reader has left', ENOSPC: 'it is full' }[code] ?? message
  return new OutriderError('FILE_WRITE', `${path} cannot be written: ${reason}.`, {
    remedy: 'Write elsewhere.',
    cause: error,
    details: { file: path, code },
  })
}
