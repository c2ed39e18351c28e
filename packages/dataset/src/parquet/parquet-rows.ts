import { OutriderError } from '@outrider/tensor'
import type { AsyncBuffer, ColumnChunk, Compressors, RowGroup, SchemaTree } from 'hyparquet'
import { refusal, rowKeys } from '../formats/row-keys'
import type { ReadableFile } from '../sources/lines'
import type { GivenRow } from '../sources/rows-in'
import { checkPages, type PageLimits } from './check-pages'
import { loadDecompressors } from './decompress'
import { damaged, openParquet, type ParquetFile } from './open-parquet'
import { parsers, plainValue } from './plain-value'
import { readStruct } from './thrift'

/** What of a row group is in memory at once, decompressed; beyond it a file needs an index of its pages. */
export const rowGroupLimits: PageLimits = { bytes: 2 ** 30, values: 2 ** 25 }

/** Of a row group with an index of its pages, so much is read at a time. */
const pieceBytes = 64 * 2 ** 20

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

/** Checks the pages of a row group's columns, and says in pieces of how many rows it is to be read. */
async function checkGroup(
  file: ReadableFile,
  { metadata, columns: schema }: ParquetFile,
  index: number,
  columns: readonly string[],
  decompressors: Compressors,
  limits: PageLimits,
): Promise<{ rows: number; isIndexed: boolean }> {
  const group = metadata.row_groups[index]!
  const chunks = group.columns.filter(({ meta_data }) => columns.includes(meta_data!.path_in_schema[0]!))
  const sum = (of: (meta: NonNullable<(typeof chunks)[number]['meta_data']>) => bigint) =>
    chunks.reduce((total, { meta_data }) => total + Number(of(meta_data!)), 0)
  const bytes = sum((meta) => meta.total_uncompressed_size)
  const values = sum((meta) => meta.num_values)
  const isIndexed = chunks.every(({ offset_index_offset }) => offset_index_offset !== undefined)
  const parts = Math.ceil(Math.max(bytes / Math.min(pieceBytes, limits.bytes), values / limits.values, 1))
  if (!isIndexed && (bytes > limits.bytes || values > limits.values)) throw tooLarge(file.name, index, group)
  for (const chunk of chunks) {
    const meta = chunk.meta_data!
    const name = meta.path_in_schema.join('.')
    if (meta.codec !== 'UNCOMPRESSED' && !decompressors[meta.codec]) throw unknownCodec(file.name, name, meta.codec)
    const check = async () => {
      const path = pathIn(schema, meta.path_in_schema)
      const bytes = isIndexed ? Number.POSITIVE_INFINITY : limits.bytes
      const starts = await checkPages(file, meta, path, decompressors, { bytes, values: limits.values })
      if (isIndexed && parts > 1) await checkIndex(file, chunk, starts)
    }
    await check().catch((error: Error) => {
      if (error instanceof OutriderError) throw error
      throw new Error(`row group ${index + 1}, column ${name}: ${error.message}`, { cause: error })
    })
  }
  const rows = Number(group.num_rows)
  return { rows: isIndexed ? Math.max(1, Math.ceil(rows / parts)) : rows, isIndexed: isIndexed && parts > 1 }
}

/** Checks an index of pages: it must lead to nothing but the pages that were checked. */
async function checkIndex(file: ReadableFile, chunk: ColumnChunk, starts: ReadonlySet<number>): Promise<void> {
  const start = Number(chunk.offset_index_offset)
  const found = readStruct(await file.read(start, start + (chunk.offset_index_length ?? 0)))
  const places = found?.struct.get(1)
  const isWhole = Array.isArray(places) && places.length === starts.size
  if (!isWhole || !places.every((place) => place instanceof Map && starts.has(Number(place.get(1)))))
    throw new Error('the index of its pages leads elsewhere')
}

/** A column in the schema, from its top level down. */
function pathIn(schema: readonly SchemaTree[], names: readonly string[]): SchemaTree[] {
  const path: SchemaTree[] = []
  let level = schema
  for (const name of names) {
    const found = level.find(({ element }) => element.name === name)
    if (!found) throw new Error(`there is no column ${names.join('.')}`)
    path.push(found)
    level = found.children
  }
  return path
}

function asyncBuffer(file: ReadableFile, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const bytes = await file.read(start, end)
      if (bytes.length !== end - start) throw new Error(`bytes ${start} to ${end} are not there`)
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
    },
  }
}

const tooLarge = (name: string, index: number, { num_rows }: RowGroup) =>
  new OutriderError(
    'UNSUPPORTED',
    `${name}: row group ${index + 1}, of ${num_rows} rows, is too large to be read at once.`,
    {
      remedy:
        'Write the file with smaller row groups (row_group_size=10000), or with an index of its pages (write_page_index=True).',
    },
  )

const unknownCodec = (name: string, column: string, codec: string | undefined) =>
  new OutriderError(
    'UNSUPPORTED',
    `${name}: column ${column} is compressed with ${codec ?? 'an unknown codec'}, which is not read.`,
    {
      remedy: 'Write the file with zstd, snappy, gzip, brotli or LZ4_RAW.',
    },
  )
