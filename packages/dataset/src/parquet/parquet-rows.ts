import type { AsyncBuffer, SchemaTree } from 'hyparquet'
import { refusal, rowKeys } from '../formats/row-keys'
import type { ReadableFile } from '../sources/lines'
import type { GivenRow } from '../sources/rows-in'
import { checkGroup } from './check-group'
import type { PageLimits } from './check-pages'
import { loadDecompressors } from './decompress'
import { damaged, openParquet } from './open-parquet'
import { parsers, plainValue } from './plain-value'

/** What of a row group is in memory at once, decompressed; beyond it a file needs an index of its pages. */
const rowGroupLimits: PageLimits = { bytes: 2 ** 30, values: 2 ** 25 }

/**
 * The rows of a Parquet file, one row group after another. Columns that rows are understood by are read, and of the others
 * those that are not nested; `unread` is given the names of the rest.
 *
 * @throws OutriderError FILE_FORMAT with the file, row group and column; UNSUPPORTED naming the codec
 */
export async function* parquetRows(
  file: ReadableFile,
  unread: Set<string>,
  limits: PageLimits = rowGroupLimits,
): AsyncGenerator<GivenRow> {
  const { parquetReadObjects } = await import('hyparquet')
  const compressors = await loadDecompressors()
  const opened = await openParquet(file)
  const { metadata } = opened
  const columns = columnsToRead(opened.columns, unread)
  const buffer = asyncBuffer(file, await file.size())
  let first = 0
  for (const [index, group] of metadata.row_groups.entries()) {
    const rows = Number(group.num_rows)
    const piece = await damaged(file.name, () => checkGroup(file, opened, index, columns, compressors, limits))
    for (let begin = 0; begin < rows; begin += piece.rows) {
      const end = Math.min(begin + piece.rows, rows)
      const range = { rowStart: first + begin, rowEnd: first + end }
      const given = await damaged(file.name, () =>
        parquetReadObjects({
          file: buffer,
          metadata,
          columns,
          ...range,
          compressors,
          parsers: parsers as object,
          geoparquet: false,
          useOffsetIndex: piece.isIndexed,
        }),
      )
      for (const [i, row] of given.entries()) {
        const where = `${file.name}, row ${range.rowStart + i + 1}`
        yield { where, value: () => plainValue(row, where) }
      }
    }
    first += rows
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

function asyncBuffer(file: ReadableFile, byteLength: number): AsyncBuffer {
  const read = async (start: number, end: number) => {
    const bytes = await file.read(start, end)
    if (bytes.length !== end - start) throw new Error(`bytes ${start} to ${end} are not there`)
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
  }
  return {
    byteLength,
    slice(start, end = byteLength) {
      const found = read(start, end)
      found.catch(() => undefined) // whoever asked for several at once may not wait for all, once one has failed
      return found
    },
  }
}
