import { type FileHandle, open } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
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

/** A pipe or a device: what is written goes into it, piece by piece. */
export function streamedFile(path: string): OutputFile {
  let handle: Promise<FileHandle> | undefined
  const put = async (content: FileContent | string) => {
    try {
      handle ??= open(path, 'a')
      const opened = await handle
      if (typeof content === 'string' || content instanceof Uint8Array) await opened.appendFile(content)
      else for await (const chunk of content) await opened.appendFile(chunk)
    } catch (error) {
      throw failure(path, error)
    }
  }
  const into: Directory = {
    ...memoryDirectory({}, dirname(path)), // there is nothing to read
    write: (_, content) => put(content),
    append: (_, content) => put(content),
    remove: async () => undefined,
  }
  return {
    directory: into,
    file: basename(path),
    close: async () => {
      const opened = await handle?.catch(() => undefined)
      await opened?.close().catch(() => undefined)
    },
  }
}

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
