import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../', import.meta.url))

/** The Markdown files of the repository below a folder, generated ones left out: path → text. */
export function markdownFiles(folder = ''): Map<string, string> {
  // What git knows and what it would take: a page that is only being written counts, the API reference does not.
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '--', `${folder}*.md`]
  const files = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim().split('\n')
  return new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]))
}

export interface Link {
  address: string
  line: number
}

/** Links of a Markdown text, those in code left out. */
export function linksOf(text: string): Link[] {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, (block) => '\n'.repeat(block.split('\n').length - 1))
  return prose
    .split('\n')
    .flatMap((line, i) =>
      [
        ...line.replace(/`[^`]*`/g, (code) => ' '.repeat(code.length)).matchAll(/\]\(([^)\s]+)\)|<(https?:[^>]+)>/g),
      ].map(([, inline, bare]) => ({ address: inline ?? bare!, line: i + 1 })),
    )
}

/** Lines of a terminal in `sh` blocks: 'outrider doctor --json'. Lines that end in a backslash are joined. */
export function commandsOf(text: string): string[] {
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block]) =>
    block!
      .replace(/\\\n\s*/g, ' ')
      .split('\n')
      .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
      .filter((line) => line !== ''),
  )
}
