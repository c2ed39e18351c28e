import { OutriderError } from '@outrider/tensor'
import { fileMissing } from './directory'

/** What the system says against reading, as an error of ours: FILE_MISSING. */
export function readFailure(error: unknown, path: string, file: string): unknown {
  if (error instanceof OutriderError) return error
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return file
      ? fileMissing(path, file, error)
      : new OutriderError('FILE_MISSING', `There is no directory ${path}.`, { remedy: 'Check the path.', cause: error })
  return new OutriderError(
    'FILE_MISSING',
    `${file ? `${path}/${file}` : path} cannot be read: ${reason(code, error)}.`,
    {
      remedy: code === 'EISDIR' ? 'Give the path of a file.' : 'Check its permissions.',
      cause: error,
      details: { directory: path, file, code },
    },
  )
}

/**
 * What the system (Node) says against writing, as an OutriderError FILE_WRITE with the reason in words. What is not the
 * system's error stays what it is.
 *
 * @param target  the path, as the message names it
 */
export function writeFailure(error: unknown, target: string): unknown {
  if (error instanceof OutriderError) return error
  const code = (error as NodeJS.ErrnoException).code
  // Content may fail of itself (a lost device while weights are read): that is not the disk's error.
  if (!code) return error
  const full = code === 'ENOSPC' || code === 'EDQUOT'
  return new OutriderError('FILE_WRITE', `${target} cannot be written: ${reason(code, error)}.`, {
    remedy: full ? 'Free some space or write elsewhere.' : 'Check the permissions, or write elsewhere.',
    cause: error,
    details: { file: target, code },
  })
}

const reasons: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is a file, not a directory',
}

const reason = (code: string | undefined, error: unknown): string => reasons[code ?? ''] ?? (error as Error).message
