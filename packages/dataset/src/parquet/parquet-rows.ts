import type { SchemaTree } from 'hyparquet'
import { refusal, rowKeys } from '../formats/row-keys'
import type { ReadableFile } from '../sources/lines'
import type { GivenRow } from '../sources/rows-in'
import type { PageLimits } from './check-pages'
import { openParquet } from './open-parquet'
import { plainValue } from './plain-value'
import { readColumns } from './read-columns'

/**
 * The rows of a Parquet file, one row group after another. Columns that rows are understood by are read, and of the others
 * those that are not nested; `unread` is given the names of the rest.
 *
 * @throws OutriderError FILE_FORMAT with the file, row group and column; UNSUPPORTED naming the codec
 */
export async function* parquetRows(
  file: ReadableFile,
  unread: Set<string>,
  limits?: PageLimits,
): AsyncGenerator<GivenRow> {
  const opened = await openParquet(file)
  const columns = columnsToRead(opened.columns, unread)
  let number = 0
  for await (const row of readColumns(file, opened, columns, limits && { limits })) {
    const where = `${file.name}, row ${++number}`
    yield { where, value: () => plainValue(row, where) }
  }
}

function columnsToRead(columns: readonly SchemaTree[], unread: Set<string>): string[] {
  const read: string[] = []
  for (const { element, children } of columns) {
    const { name, type, converted_type, logical_type } = element
    const isText = type === 'BYTE_ARRAY' && (converted_type === 'UTF8' || logical_type?.type === 'STRING')
    const isNumber = type === 'BOOLEAN' || type === 'INT32' || type === 'INT64' || type === 'FLOAT' || type === 'DOUBLE'
    const counts = rowKeys.used.includes(name) || refusal(rowKeys, name) !== undefined
    if (counts || (children.length === 0 && (isText || isNumber))) read.push(name)
    else if (!rowKeys.harmless.includes(name)) unread.add(name)
  }
  return read
}
