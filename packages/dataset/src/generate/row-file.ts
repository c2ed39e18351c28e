import type { FileHandle } from 'node:fs/promises'
import { OutriderError } from '@outrider/tensor'
import { nodeModule } from '@outrider/transformer'
import { linesOf } from '../sources/lines'
import { openFile } from '../sources/open-file'

/** A JSONL file that grows by whole rows. */
export interface RowFile {
  /** Ids of the rows that are there. */
  readonly ids: ReadonlySet<string>
  /** Appends rows and flushes them to the disk. */
  append(rows: readonly { id: string }[]): Promise<void>
  close(): Promise<void>
}

/**
 * Opens a JSONL file to go on with: the ids of its rows are read, and a last line that a kill left unfinished is cut off
 * (Node).
 *
 * @throws OutriderError FILE_FORMAT for a row without an id: then it is not a file of ours; FILE_WRITE
 */
export async function openRowFile(path: string): Promise<RowFile> {
  const fs = nodeModule('node:fs/promises')
  const { dirname } = nodeModule('node:path')
  const failed = (cause: unknown) =>
    new OutriderError('FILE_WRITE', `${path} cannot be written: ${(cause as Error).message}.`, {
      cause,
      remedy:
        'Check the folder, its permissions and the free space; what is complete in the file stays, so run it again.',
    })
  let handle: FileHandle | undefined
  try {
    await fs.mkdir(dirname(path), { recursive: true })
    handle = await fs.open(path, 'a+')
    const ids = new Set<string>()
    let whole = 0
    for await (const { text, number, end, complete } of linesOf(openFile(path))) {
      if (!complete) break
      ids.add(idOf(text, `${path}, line ${number}`))
      whole = end
    }
    await handle.truncate(whole)
    return appendable(handle, ids, failed)
  } catch (cause) {
    await handle?.close()
    throw cause instanceof OutriderError ? cause : failed(cause)
  }
}

function appendable(handle: FileHandle, ids: Set<string>, failed: (cause: unknown) => OutriderError): RowFile {
  return {
    ids,
    async append(rows) {
      try {
        await handle.appendFile(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
        await handle.sync()
      } catch (cause) {
        throw failed(cause)
      }
      for (const { id } of rows) ids.add(id)
    },
    close: () => handle.close(),
  }
}

function idOf(line: string, where: string): string {
  let id: unknown
  try {
    id = (JSON.parse(line) as { id?: unknown }).id
  } catch (cause) {
    throw notOurs(where, 'is not valid JSON', cause)
  }
  if (typeof id !== 'string') throw notOurs(where, 'has no id')
  return id
}

const notOurs = (where: string, what: string, cause?: unknown) =>
  new OutriderError(
    'FILE_FORMAT',
    `${where} ${what}, so the file was not written by generateDataset and is left as it is.`,
    {
      remedy: 'Write to another file, or remove this one.',
      cause,
    },
  )
