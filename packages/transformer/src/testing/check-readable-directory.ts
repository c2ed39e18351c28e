import { checkPromises, expectRefused, expectSame, type Promises } from '@outrider/tensor/testing'
import type { Directory } from '../files/index'

export interface ReadableDirectoryCheckOptions {
  /** What the directory has, texts as UTF-8; one file at least, in a folder another. */
  contents: Readonly<Record<string, Uint8Array | string>>
  /** Whether it lists its files; one that cannot says UNSUPPORTED. Default true. */
  lists?: boolean
  /** Whether nothing can be written, which it says by FILE_WRITE. Default false: writing is not tried. */
  isReadOnly?: boolean
}

/**
 * Shows that a directory whose contents are known keeps what `Directory` promises to those who read.
 *
 * @throws OutriderError INVALID_ARGUMENT for a promise that is broken, with how
 */
export async function checkReadableDirectory(
  files: Directory,
  { contents, lists = true, isReadOnly = false }: ReadableDirectoryCheckOptions,
): Promise<void> {
  const encoder = new TextEncoder()
  const bytes = Object.entries(contents).map(
    ([file, content]) => [file, typeof content === 'string' ? encoder.encode(content) : content] as const,
  )
  await checkPromises(`Directory ${files.name}`, promises, { files, contents: new Map(bytes), lists, isReadOnly })
}

interface Subject {
  files: Directory
  contents: ReadonlyMap<string, Uint8Array>
  lists: boolean
  isReadOnly: boolean
}

const missing = 'no-such-folder/no-such-file.bin'

const promises: Promises<Subject> = {
  async 'a file is there, has its size, and is read whole'({ files, contents }) {
    for (const [file, bytes] of contents) {
      if (!(await files.has(file))) throw new Error(`${file} is said not to be there`)
      expectSame([await files.size(file)], [bytes.length], `the size of ${file}`)
      expectSame(await files.read(file), bytes, file)
    }
  },

  async 'a part is read from its start to before its end, or as far as the file goes'({ files, contents }) {
    for (const [file, bytes] of contents) {
      const size = bytes.length
      const parts = [
        { start: 0 },
        { end: 1 },
        { start: 1 },
        { start: 1, end: size - 1 },
        { start: size - 1, end: size + 9 },
      ]
      for (const range of [...parts, { end: 2 * size }, { start: size }, { start: 1, end: 1 }]) {
        const { start = 0, end = size } = range as { start?: number; end?: number }
        expectSame(
          await files.read(file, range),
          bytes.subarray(start, Math.max(start, end)),
          `${file} from ${start} to ${end}`,
        )
      }
    }
  },

  async 'a text is read as UTF-8'({ files, contents }) {
    for (const [file, bytes] of contents)
      if ((await files.readText(file)) !== new TextDecoder().decode(bytes)) throw new Error(`${file} is another text`)
  },

  async 'a file that is not there is missing, by FILE_MISSING and its name'({ files }) {
    if (await files.has(missing)) throw new Error(`${missing} is said to be there`)
    for (const use of ['read', 'readText', 'size'] as const) {
      await expectRefused('FILE_MISSING', () => files[use](missing))
      const error: unknown = await files[use](missing).catch((thrown: unknown) => thrown)
      if (!(error as Error).message.includes('no-such-file.bin'))
        throw new Error(`${use}: the error names no file: ${error}`)
    }
  },

  async 'names are listed by folder, sorted, files and folders apart'({ files, contents, lists }) {
    if (!lists) return expectRefused('UNSUPPORTED', () => files.list())
    const paths = [...contents.keys()].map((file) => file.split('/'))
    const folders = new Set([
      '',
      ...paths.flatMap((path) => path.slice(1).map((_, i) => path.slice(0, i + 1).join('/'))),
    ])
    for (const folder of folders) {
      const depth = folder === '' ? 0 : folder.split('/').length
      const inside = paths.filter((path) => folder === path.slice(0, depth).join('/'))
      const named = (wanted: (rest: number) => boolean) =>
        [...new Set(inside.filter((path) => wanted(path.length - depth)).map((path) => path[depth]!))].sort().join()
      const of = folder === '' ? undefined : folder
      const listed = (await files.list(of)).join()
      if (listed !== named((rest) => rest === 1))
        throw new Error(`list(${of ?? ''}) has [${listed}], expected [${named((rest) => rest === 1)}]`)
      const inner = (await files.folders?.(of))?.join()
      if (inner !== undefined && inner !== named((rest) => rest > 1))
        throw new Error(`folders(${of ?? ''}) has [${inner}], expected [${named((rest) => rest > 1)}]`)
    }
  },

  async 'a name that leads outside is refused by INVALID_ARGUMENT'({ files, lists }) {
    for (const file of ['../secret', '../../secret', '/etc/passwd', 'a/../../b', 'a\\..\\b', 'c:b', 'a\0', '.', ''])
      for (const use of ['read', 'readText', 'size', 'has'] as const)
        await expectRefused('INVALID_ARGUMENT', () => files[use](file)).catch((error: Error) => {
          throw new Error(`${use}(${JSON.stringify(file)}): ${error.message}`)
        })
    if (!lists) return
    for (const folder of ['../secret', '/etc', 'a/../../b'])
      await expectRefused('INVALID_ARGUMENT', () => files.list(folder))
  },

  async 'what is not to be written to says so by FILE_WRITE'({ files, isReadOnly }) {
    if (!isReadOnly) return
    for (const use of ['write', 'append', 'remove'] as const)
      await expectRefused('FILE_WRITE', () => files[use]('new', 'x'))
  },
}
