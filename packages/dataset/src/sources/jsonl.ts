import type { DataSource } from '../formats/row'
import { type FilePlace, openFile } from './open-file'
import { rowsOfFile } from './row-files'
import type { RowOptions } from './rows-in'

/**
 * The rows of a JSONL file in any of the formats that `parseRow` knows. Read line by line each time; blank lines are passed
 * over. A file that turns out to be a JSON list or Parquet is read as that: `rowFiles` does so for several.
 *
 * @param file  a path (Node), or a file of a directory
 * @throws OutriderError, while reading: FILE_MISSING; FILE_FORMAT with file and line number, or naming what the file is instead
 */
export function jsonl(file: string | FilePlace, options: RowOptions = {}): DataSource {
  const opened = openFile(file)
  return {
    name: opened.name,
    badRows: options.badRows,
    [Symbol.asyncIterator]: () => rowsOfFile(opened, options),
  }
}
