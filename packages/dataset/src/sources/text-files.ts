import type { DataSource, TextRow } from '../formats/row'
import { holdsRows } from './file-format'
import { type FilePatterns, filesOf, nameOf } from './files-of'
import { linesOf, type ReadableFile } from './lines'
import { openFile } from './open-file'
import { rowsOfFile } from './row-files'
import type { RowOptions } from './rows-in'

export interface TextFilesOptions extends RowOptions {
  /** A line that ends a document. Default '<|endoftext|>'; without such lines a file is one document. */
  separator?: string
}

/**
 * Plain text files as documents, in the order of their names. A file of rows among them (Parquet, or named .jsonl, .ndjson,
 * .json) gives its rows.
 *
 * @param pattern  a path (Node), or several, whose last part may have `*`: 'corpus/*.txt'; of a folder its .txt, .jsonl and
 *   .parquet; or files of a directory
 * @throws OutriderError, while reading: FILE_MISSING where nothing matches; FILE_FORMAT for bytes that are not UTF-8, and as
 *   `rowFiles`
 */
export function textFiles(
  pattern: FilePatterns,
  { separator = '<|endoftext|>', ...options }: TextFilesOptions = {},
): DataSource {
  return {
    name: nameOf(pattern),
    badRows: options.badRows,
    async *[Symbol.asyncIterator]() {
      for (const { name, ...place } of await filesOf(pattern, /\.(txt|jsonl|ndjson|parquet)$/i)) {
        const file = { ...openFile(place), name }
        if (await holdsRows(file)) yield* rowsOfFile(file, options)
        else yield* documentsOf(file, separator)
      }
    },
  }
}

async function* documentsOf(file: ReadableFile, separator: string): AsyncGenerator<TextRow> {
  let document: string[] = []
  let begin = 1
  const finished = (): TextRow[] =>
    document.some((line) => line.trim())
      ? [{ kind: 'text', text: document.join('\n').trim(), where: `${file.name}, line ${begin}` }]
      : []
  for await (const { text, number } of linesOf(file)) {
    if (text !== separator) {
      document.push(text)
      continue
    }
    yield* finished()
    document = []
    begin = number + 1
  }
  yield* finished()
}
