/** Text from elsewhere within a line of Markdown: on one line, and nothing in it is markup. */
export const inline = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\\`*_[\]<>#]/g, (mark, at: number, whole: string) =>
      // Within a word an underscore is none: names stay as they are.
      mark === '_' && /\w/.test(whole[at - 1] ?? '') && /\w/.test(whole[at + 1] ?? '') ? mark : `\\${mark}`,
    )

/** The same in a table. */
export const cell = (text: string): string => inline(text).replaceAll('|', '\\|')

export const table = (titles: readonly string[], rows: readonly (readonly string[])[]): string =>
  [titles, titles.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

export const shellBlock = (lines: readonly string[]): string => block('sh', lines)

export function block(language: string, lines: readonly string[]): string {
  const text = lines.join('\n')
  // A fence is longer than any within.
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map(({ length }) => length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${text}\n${fence}`
}

/** A word for a POSIX shell. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`

/** A text in Python. */
export const pythonText = (text: string): string => JSON.stringify(text)
