/** Words in lines of at most `columns`; lines after the first begin with `indent`. */
export function paragraph(text: string, columns: number, indent = ''): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line === '' || line === indent) lines[lines.length - 1] = line + word
    else if (line.length + 1 + word.length <= columns) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(indent + word)
  }
  return lines.join('\n')
}
