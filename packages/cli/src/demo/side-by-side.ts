import type { Completion, CompletionToken } from '@outrider/evaluation'
import { type Colours, width } from '../terminal'

/** The answers in columns for a terminal. Without colours the target's corrections stand in brackets. */
export function columnsOf(
  { answers }: Completion,
  { columns, style, coloured }: { columns: number; style: Colours; coloured: boolean },
): string {
  const gap = 4
  const columnWidth = Math.floor((Math.min(columns, 120) - gap * (answers.length - 1)) / answers.length)
  const paint: Record<CompletionToken['origin'], (text: string) => string> = {
    accepted: style.green,
    corrected: coloured ? style.red : (text) => text.replace(/\S+/, '[$&]'),
    bonus: style.cyan,
    plain: (text) => text,
  }
  const blocks = answers.map(({ title, note, tokens }) => [
    style.bold(title),
    style.dim(note),
    ...wrapped(tokens, columnWidth, paint),
  ])
  const height = Math.max(...blocks.map((lines) => lines.length))
  return Array.from({ length: height }, (_, i) =>
    blocks
      .map((lines) => lines[i] ?? '')
      .map((line) => line + ' '.repeat(Math.max(0, columnWidth - width(line))))
      .join(' '.repeat(gap))
      .trimEnd(),
  ).join('\n')
}

function wrapped(
  tokens: readonly CompletionToken[],
  columns: number,
  paint: Record<CompletionToken['origin'], (text: string) => string>,
): string[] {
  const lines: string[] = []
  let line = ''
  for (const { text, origin } of tokens) {
    const piece = paint[origin](text)
    if (line !== '' && width(line) + width(piece) > columns) {
      lines.push(line)
      line = paint[origin](text.trimStart())
    } else line += piece
  }
  return line === '' ? lines : [...lines, line]
}
