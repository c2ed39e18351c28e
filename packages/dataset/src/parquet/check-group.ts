import { OutriderError } from '@outrider/tensor'
import type { ColumnChunk, Compressors, RowGroup, SchemaTree } from 'hyparquet'
import type { ReadableFile } from '../sources/lines'
import { checkPages, type PageLimits } from './check-pages'
import type { ParquetFile } from './open-parquet'
import { readStruct } from './thrift'

/** Of a row group with an index of its pages, so much is read at a time. */
const pieceBytes = 64 * 2 ** 20

/**
 * Checks the pages of a row group's columns, and says in pieces of how many rows it is to be read.
 *
 * @throws Error, OutriderError UNSUPPORTED
 */
export async function checkGroup(
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
  const size = await file.size()
  let row = -1
  const leadsToPage = (place: unknown) => {
    if (!(place instanceof Map)) return false
    const [offset, bytes, firstRow] = [1, 2, 3].map((field) => Number(place.get(field)))
    const isNext = firstRow! > row
    row = firstRow!
    return isNext && starts.has(offset!) && bytes! > 0 && offset! + bytes! <= size
  }
  if (!Array.isArray(places) || places.length !== starts.size || !places.every(leadsToPage))
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
