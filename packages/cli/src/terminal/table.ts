import { width } from './colour'

export interface Column {
  title: string
  align?: 'left' | 'right'
}

/** A table in plain text: columns two blanks apart, a rule under the titles. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ title }, i) => Math.max(width(title), ...rows.map((row) => width(row[i] ?? ''))))
  const line = (cells: readonly string[]) =>
    columns
      .map(({ align = 'left' }, i) => {
        const cell = cells[i] ?? ''
        const space = ' '.repeat(widths[i]! - width(cell))
        return align === 'right' ? space + cell : cell + space
      })
      .join('  ')
      .trimEnd()
  return [line(columns.map(({ title }) => title)), widths.map((n) => '─'.repeat(n)).join('──'), ...rows.map(line)].join(
    '\n',
  )
}
