import { parseJson } from '@outrider/transformer'
import { malformed } from '../formats/fields'
import type { DataSource } from '../formats/row'
import { fileFormat } from './file-format'
import { linesOf, type ReadableFile } from './lines'
import { type FilePlace, openFile } from './open-file'
import { type GivenRow, type RowOptions, rowsIn } from './rows-in'

/**
 * The rows of a JSONL file in any of the formats that `parseRow` knows. Read line by line each time; blank lines are passed
 * over.
 *
 * @param file  a path (Node), or a file of a directory
 * @throws OutriderError, while reading: FILE_MISSING; FILE_FORMAT with file and line number, or naming what the file is instead
 */
export function jsonl(file: string | FilePlace, options: RowOptions = {}): DataSource {
  const opened = openFile(file)
  const lines = async function* () {
    const format = await fileFormat(opened)
    if (format !== 'jsonl')
      throw malformed(opened.name, `it is ${formats[format]}, not JSONL`, 'Read it with rowFiles.')
    yield* jsonlRows(opened)
  }
  return {
    name: opened.name,
    badRows: options.badRows,
    [Symbol.asyncIterator]: () => rowsIn(opened.name, lines, options),
  }
}

const formats = { parquet: 'Parquet', 'json array': 'a JSON list' }

/** What the lines of a file say, one after another. */
export async function* jsonlRows(file: ReadableFile): AsyncGenerator<GivenRow> {
  for await (const line of linesOf(file)) {
    if (line.isBlank) continue
    const where = `${file.name}, line ${line.number}`
    yield { where, value: () => parseJson(line.text, where) }
  }
}
