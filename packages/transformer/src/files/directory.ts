import { OutriderError } from '@outrider/tensor'
import { insteadOf } from './instead'

/** What a file is written from: all at once, or piece by piece so that it need never be whole in memory. */
export type FileContent = Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/**
 * A folder of files, wherever it is: on disk (`directory`), in memory (`memoryDirectory`), behind a URL (`urlDirectory`), in a
 * browser's file system (`opfsDirectory`, `handleDirectory`, `fileListDirectory`), or anything that implements this. File names are relative, with `/` between folders.
 *
 * Every method throws OutriderError FILE_MISSING for a file that is not there, and INVALID_ARGUMENT for a name that leads
 * outside; writing throws FILE_WRITE. `checkDirectory` of `@outrider/transformer/testing` shows that one keeps all this.
 */
export interface Directory {
  /** The path or address, as error messages print it. */
  readonly name: string
  /** Names of the files directly inside, or inside one of its folders, sorted. UNSUPPORTED where it cannot tell. */
  list(folder?: string): Promise<string[]>
  /** Names of the folders directly inside, or inside one of them, sorted; for a directory that can tell. */
  folders?(folder?: string): Promise<string[]>
  has(file: string): Promise<boolean>
  /** Bytes of a file. */
  size(file: string): Promise<number>
  /** The bytes from `start` (default 0) up to `end` (default the file's), fewer if the file ends before. */
  read(file: string, range?: { start?: number; end?: number }): Promise<Uint8Array>
  readText(file: string): Promise<string>
  /** What is another where a file's contents are others, learned without reading it; undefined where nothing says so. */
  version?(file: string): Promise<string | undefined>
  /** Brings a whole file near where it is far, for a directory whose files are: reading is from there afterwards. */
  keep?(file: string): Promise<void>
  /** Writes a whole file. It appears under its name only when it is complete; a failure leaves what was there before. */
  write(file: string, content: FileContent): Promise<void>
  /**
   * Adds to the end of a file, which is made where it is not there; or goes on from byte `from`, what is after it is cut off.
   * When it returns, the content is kept. What was there before is never harmed, but of the content a crash may leave a part.
   */
  append(file: string, content: Uint8Array | string, from?: number): Promise<void>
  /** Removes a file; one that is not there is no error. */
  remove(file: string): Promise<void>
  /** Gives a file another name in its folder, in one step, where another file may have had it; for a directory that can. */
  move?(file: string, name: string): Promise<void>
}

/**
 * The file's text.
 *
 * @throws OutriderError FILE_MISSING; FILE_FORMAT where something else lies in its place: a pointer of Git LFS, a page
 */
export async function readText(directory: Directory, file: string): Promise<string> {
  const bytes = await directory.read(file)
  const instead = insteadOf(bytes, 'text')
  if (instead)
    throw new OutriderError('FILE_FORMAT', `${directory.name}/${file} is ${instead.what}.`, {
      remedy: instead.remedy,
      details: { file: `${directory.name}/${file}` },
    })
  return textOf(bytes, `${directory.name}/${file}`)
}

/** The text in UTF-8 bytes, without a mark of their order. */
function textOf(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder().decode(bytes)
  } catch (cause) {
    throw new OutriderError('FILE_FORMAT', `${where} is too long for a text: ${bytes.length} bytes.`, { cause })
  }
}

/** Refuses names that lead out of the directory, as an index file from an untrusted place may hold. */
export function checkFileName(directory: string, file: string): string {
  const parts = file.split('/')
  const escapes = parts.some((part) => part === '' || part === '.' || part === '..') || /[\\\0:]/.test(file)
  if (!escapes) return file
  throw new OutriderError('INVALID_ARGUMENT', `"${file}" is not a file name inside ${directory}.`, {
    remedy: 'Use a relative name without "..", backslashes or colons.',
  })
}

export function fileMissing(directory: string, file: string, cause?: unknown): OutriderError {
  return new OutriderError('FILE_MISSING', `${directory === '.' ? 'This folder' : directory} has no file ${file}.`, {
    remedy: 'Check the path, and that the copy or download is complete.',
    cause,
    details: { directory, file },
  })
}

/** `list` and `folders` of a directory that knows the paths of its files. */
export function listed(
  directory: string,
  paths: () => Iterable<string>,
): Required<Pick<Directory, 'list' | 'folders'>> {
  /** Of the paths inside a folder what comes after it, part by part. */
  const inside = (folder?: string) => {
    const prefix = folder ? `${checkFileName(directory, folder)}/` : ''
    return [...paths()].filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length).split('/'))
  }
  const names = (parts: string[][]) => [...new Set(parts.map(([name]) => name!))].sort()
  return {
    list: async (folder) => names(inside(folder).filter(({ length }) => length === 1)),
    folders: async (folder) => names(inside(folder).filter(({ length }) => length > 1)),
  }
}

/** What writes, of a directory that is not written to: each throws FILE_WRITE. */
export function readOnly(directory: string): Pick<Directory, 'write' | 'append' | 'remove'> {
  const refuse = async (): Promise<never> => {
    throw new OutriderError('FILE_WRITE', `${directory} is read-only.`, {
      remedy: 'Write to a directory of your own: directory(path), opfsDirectory(path) or memoryDirectory().',
    })
  }
  return { write: refuse, append: refuse, remove: refuse }
}

/** The pieces of a file's content, one after another. */
export async function* chunksOf(content: FileContent): AsyncGenerator<Uint8Array> {
  if (typeof content === 'string') yield new TextEncoder().encode(content)
  else if (content instanceof Uint8Array) yield content
  else yield* content
}
