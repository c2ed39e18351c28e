import { OutriderError } from '@outrider/tensor'
import { placed } from './bad-rows'
import type { DataSource, DatasetRow } from './row'

/**
 * Does something with a row. Where that fails the error names the row's place, or the row is passed over (undefined), if its
 * source allows. For whoever reads a source and does with its rows what can fail.
 *
 * @param source  where the row comes from
 * @throws OutriderError what `use` throws, with the row's place; FILE_FORMAT in place of INVALID_ARGUMENT
 */
export function useRow<T>(source: DataSource, row: DatasetRow, use: () => T): T | undefined {
  const { where } = row
  try {
    return use()
  } catch (error) {
    if (where === undefined || !(error instanceof OutriderError)) throw error
    const bad = placed(error, where)
    if (!source.badRows) throw bad
    source.badRows.skip(where, bad)
    return undefined
  }
}
