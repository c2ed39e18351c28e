import type { Row } from './suite'

/** Rows as a table with the columns of the first; numbers to the right. */
export function printTable(rows: readonly Row[]): void {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row).filter((name) => !Array.isArray(row[name]))))]
  const text = (value: Row[string]) => (value === undefined ? '' : String(value))
  const widths = columns.map((name) => Math.max(name.length, ...rows.map((row) => text(row[name]).length)))
  const line = (cells: readonly string[], right: (i: number) => boolean) =>
    cells
      .map((cell, i) => (right(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd()
  const isNumber = (i: number) => rows.every((row) => typeof row[columns[i]!] !== 'string')
  console.log(line(columns, isNumber))
  for (const row of rows)
    console.log(
      line(
        columns.map((name) => text(row[name])),
        isNumber,
      ),
    )
}
