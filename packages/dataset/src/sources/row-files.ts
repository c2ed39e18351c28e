import type { DataSource, DatasetRow } from '../formats/row'
import { fileFormat } from './file-format'
import { type FilePatterns, filesOf, nameOf } from './files-of'
import { jsonArrayRows } from './json-array'
import { jsonLineRows } from './json-lines'
import type { ReadableFile } from './lines'
import { openFile } from './open-file'
import { type RowOptions, rowsIn } from './rows-in'

/**
 * The rows of files, one file after another, each JSONL, a JSON list or Parquet, whatever its name says, in any of the formats
 * that `parseRow` knows. They are read anew each time, line by line or row group by row group.
 *
 * @param files  a path (Node), or several: of a file, of a folder with `.jsonl` or `.parquet` in it, or with `*` in the last
 *   part; or files of a directory
 * @throws OutriderError, while reading: FILE_MISSING; FILE_FORMAT with the file and line, or row; UNSUPPORTED for a codec;
 *   INVALID_ARGUMENT for a folder with several splits
 */
export function rowFiles(files: FilePatterns, options: RowOptions = {}): DataSource {
  return {
    name: nameOf(files),
    badRows: options.badRows,
    async *[Symbol.asyncIterator]() {
      for (const { name, ...place } of await filesOf(files, /\.(jsonl|ndjson|parquet)$/i))
        yield* rowsOfFile({ ...openFile(place), name }, options)
    },
  }
}

/** The rows of one file. */
export async function* rowsOfFile(file: ReadableFile, options: RowOptions): AsyncGenerator<DatasetRow> {
  const format = await fileFormat(file)
  const given = {
    jsonl: () => jsonLineRows(file),
    'json array': () => jsonArrayRows(file),
    async *parquet(unread: Set<string>) {
      const { parquetRows } = await import('../parquet/parquet-rows') // where no file is Parquet, it is not loaded
      yield* parquetRows(file, unread)
    },
  }[format]
  yield* rowsIn(file.name, given, options)
}
