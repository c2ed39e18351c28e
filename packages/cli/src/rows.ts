import { badRows, type RowOptions } from '@outrider/dataset'
import type { Command } from 'commander'
import { errorParts } from './error-text'
import { integer } from './options/parse'
import type { Terminal } from './terminal'

/** What every command that reads rows has. */
export interface RowFlags {
  skipBadRows: number
}

export const withRows = (command: Command): Command =>
  command.option('--skip-bad-rows <n>', 'pass over up to so many rows that cannot be used, and name each', integer(), 0)

/** What is given for files of rows, for the help. */
export const rowSource = 'JSONL, JSON lists or Parquet: files, folders or patterns'

/** How rows are read, and how many were passed over. */
export interface RowReading {
  options: RowOptions
  /** Says how many rows were passed over, if any were; the field of `--json`. */
  summary(): { skipped_rows: number }
}

/** Rows that are passed over are named on the error stream, and so are keys that nobody knows. */
export function rowReading(terminal: Terminal, { skipBadRows }: RowFlags): RowReading {
  const bad = badRows(skipBadRows, (error) => terminal.warn(`Passed over: ${errorParts(error).message}`))
  return {
    options: {
      badRows: bad,
      onUnknownKeys: (file, keys) =>
        terminal.warn(`${file}: ${told(keys)}, and nothing is understood by ${keys.length === 1 ? 'it' : 'them'}.`),
    },
    summary() {
      const { length } = bad.skipped
      if (length > 0) terminal.print(`${length} bad ${length === 1 ? 'row was' : 'rows were'} passed over.`)
      return { skipped_rows: length }
    },
  }
}

const mostKeys = 20

function told(keys: readonly string[]): string {
  const names = keys.slice(0, mostKeys).map((key) => JSON.stringify(key))
  const others = keys.length > mostKeys ? ` and ${keys.length - mostKeys} others` : ''
  return `${keys.length === 1 ? 'the key' : 'the keys'} ${names.join(', ')}${others} ${keys.length === 1 ? 'is' : 'are'} not known`
}
