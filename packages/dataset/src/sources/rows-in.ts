import { OutriderError } from '@outrider/tensor'
import type { BadRows } from '../formats/bad-rows'
import { parseRow, unknownKeysOf } from '../formats/parse-row'
import type { DatasetRow } from '../formats/row'

/** What is done about rows of a file that are not as they should be. */
export interface RowOptions {
  /** Lets some rows be bad. Default: the first ends the reading. */
  badRows?: BadRows | undefined
  /** Told once a file, at its end, of keys that are in none of the lists of what is used, harmless or refused. */
  onUnknownKeys?: ((file: string, keys: readonly string[]) => void) | undefined
}

/** A row as its file has it. */
export interface GivenRow {
  /** File and line. */
  where: string
  /** @throws OutriderError where it cannot be read, though the rows after it can */
  value(): unknown
}

/**
 * Rows as their file has them, understood.
 *
 * @param given  the rows; what it adds to the set it is given are keys that were not even read
 */
export async function* rowsIn(
  file: string,
  given: (unread: Set<string>) => AsyncIterable<GivenRow>,
  { badRows, onUnknownKeys }: RowOptions,
): AsyncGenerator<DatasetRow> {
  const unknown = new Set<string>()
  try {
    for await (const { where, value } of given(unknown)) {
      let row: DatasetRow
      try {
        const said = value()
        row = { ...parseRow(said, where), where }
        if (onUnknownKeys) for (const key of unknownKeysOf(said as object)) unknown.add(key)
      } catch (error) {
        if (!badRows || !(error instanceof OutriderError)) throw error
        badRows.skip(where, error)
        continue
      }
      yield row
    }
  } finally {
    if (unknown.size > 0) onUnknownKeys?.(file, [...unknown])
  }
}
