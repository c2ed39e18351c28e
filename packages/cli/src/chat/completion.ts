import { readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { slashCommands } from './slash-commands'

/** What Tab offers for a line, and the part of the line that it would replace: readline's completer. */
export function completeLine(line: string): [candidates: string[], part: string] {
  if (!line.startsWith('/')) return [[], line]
  const [, name = '', blanks = '', argument = ''] = /^(\S*)(\s*)(.*)$/s.exec(line)!
  if (blanks === '') {
    const names = slashCommands
      .filter((command) => command.name.startsWith(name))
      .map((command) => command.name + (command.argument ? ' ' : ''))
    return [names, name]
  }
  const { words = [] } = slashCommands.find((command) => command.name === name) ?? {}
  if (words === 'file') return [files(argument), argument]
  return [words.filter((word) => word.startsWith(argument)), argument]
}

/** Files and folders whose path begins like this. */
function files(begin: string): string[] {
  const cut = begin.lastIndexOf('/') + 1
  const [folder, start] = [begin.slice(0, cut), begin.slice(cut)]
  try {
    return readdirSync(folder.replace(/^~(?=\/)/, homedir()) || '.', { withFileTypes: true })
      .filter(({ name }) => name.startsWith(start) && (start.startsWith('.') || !name.startsWith('.')))
      .map((entry) => folder + entry.name + (entry.isDirectory() ? '/' : ''))
      .sort()
  } catch {
    return [] // no such folder, or none that can be read: there is nothing to offer
  }
}
