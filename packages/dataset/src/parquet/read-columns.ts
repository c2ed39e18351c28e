import type { AsyncBuffer } from 'hyparquet'
import type { ReadableFile } from '../sources/lines'
import { checkGroup } from './check-group'
import type { PageLimits } from './check-pages'
import { loadDecompressors } from './decompress'
import { damaged, type ParquetFile } from './open-parquet'
import { parsers } from './plain-value'

/** What of a row group is in memory at once, decompressed; beyond it a file needs an index of its pages. */
const rowGroupLimits: PageLimits = { bytes: 2 ** 30, values: 2 ** 25 }

/**
 * Rows of a Parquet file by some of its columns, one row group after another, each checked before it is read.
 *
 * @param options.begin  the first row, and `options.end` the one after the last; default: all
 * @throws OutriderError FILE_FORMAT with the file, row group and column; UNSUPPORTED naming the codec
 */
export async function* readColumns(
  file: ReadableFile,
  opened: ParquetFile,
  columns: readonly string[],
  {
    begin: from = 0,
    end: to = Number.POSITIVE_INFINITY,
    limits = rowGroupLimits,
  }: { begin?: number; end?: number; limits?: PageLimits } = {},
): AsyncGenerator<Record<string, unknown>, void, undefined> {
  const { parquetReadObjects } = await import('hyparquet')
  const compressors = await loadDecompressors()
  const { metadata } = opened
  const buffer = asyncBuffer(file, await file.size())
  let first = 0
  for (const [index, group] of metadata.row_groups.entries()) {
    const rows = Number(group.num_rows)
    const [groupBegin, groupEnd] = [Math.max(0, from - first), Math.min(rows, to - first)]
    if (groupBegin < groupEnd) {
      const piece = await damaged(file.name, () => checkGroup(file, opened, index, columns, compressors, limits))
      for (let begin = groupBegin; begin < groupEnd; begin += piece.rows) {
        const end = Math.min(begin + piece.rows, groupEnd)
        yield* await damaged(file.name, () =>
          parquetReadObjects({
            file: buffer,
            metadata,
            columns: [...columns],
            rowStart: first + begin,
            rowEnd: first + end,
            compressors,
            parsers: parsers as object,
            geoparquet: false,
            useOffsetIndex: piece.isIndexed,
          }),
        )
      }
    }
    first += rows
  }
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
