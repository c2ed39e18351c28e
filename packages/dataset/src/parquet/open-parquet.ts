import { OutriderError } from '@outrider/tensor'
import type { FileMetaData, SchemaTree } from 'hyparquet'
import type { ReadableFile } from '../sources/lines'
import { readStruct } from './thrift'

/** A footer has a line for every column of every row group. */
const longestFooter = 256 * 2 ** 20

/** A Parquet file's own description, checked. */
export interface ParquetFile {
  metadata: FileMetaData
  /** Columns of the top level. */
  columns: readonly SchemaTree[]
}

/**
 * Reads the footer of a Parquet file, and checks that what it points to is in the file.
 *
 * @throws OutriderError FILE_FORMAT
 */
export async function openParquet(file: ReadableFile): Promise<ParquetFile> {
  const { parquetMetadata, parquetSchema } = await import('hyparquet')
  const size = await file.size()
  return damaged(file.name, async () => {
    const tail = size < 12 ? new Uint8Array(8) : await file.read(size - 8, size)
    const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true)
    if (new TextDecoder().decode(tail.subarray(4)) !== 'PAR1')
      throw new Error('its end is missing; it was not written or copied whole')
    if (length > size - 12 || length > longestFooter)
      throw new Error(`a footer of ${length} bytes does not fit into the file`)
    const footer = new Uint8Array(length + 8)
    footer.set(await file.read(size - length - 8, size))
    const found = readStruct(footer.subarray(0, length))
    if (!found) throw new Error('its footer ends too early')
    checkTree(found.struct.get(2))
    const metadata = parquetMetadata(footer, { geoparquet: false })
    for (const group of metadata.row_groups)
      for (const { meta_data: meta, file_path: elsewhere } of group.columns) {
        if (elsewhere) throw new Error('its columns are in other files')
        if (!meta) throw new Error('its columns are encrypted')
        const start = Number(meta.dictionary_page_offset || meta.data_page_offset)
        if (!(start >= 4 && meta.total_compressed_size >= 0n && start + Number(meta.total_compressed_size) <= size))
          throw new Error(`column ${meta.path_in_schema.join('.')} is not within the file; it was not copied whole`)
        if (!(group.num_rows >= 0n && group.num_rows <= meta.num_values))
          throw new Error(
            `column ${meta.path_in_schema.join('.')} has ${meta.num_values} values for ${group.num_rows} rows`,
          )
      }
    return { metadata, columns: parquetSchema(metadata).children }
  })
}

/** The schema is a tree, written flat: every element says how many of those after it are its own. */
function checkTree(schema: unknown): void {
  const children = (Array.isArray(schema) ? schema : []).map((element) =>
    Number((element as Map<number, unknown>).get(5) ?? 0),
  )
  const sum = children.reduce((a, b) => a + b, 0)
  if (children.length === 0 || children.some((count) => count < 0) || sum !== children.length - 1)
    throw new Error('its schema is no tree')
}

/** Does something with a Parquet file; what a library throws at it is the file's damage. */
export async function damaged<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof OutriderError) throw cause
    throw new OutriderError(
      'FILE_FORMAT',
      `${name} is no Parquet file that can be read: ${(cause as Error).message.replace(/\.$/, '')}.`,
      {
        remedy: 'Copy or download it again, or write it anew.',
        cause,
        details: { file: name },
      },
    )
  }
}
