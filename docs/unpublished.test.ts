import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from './markdown'

// Until the first release, whoever takes a name on the registry decides what these commands do.
// CONTRIBUTING says when this file and the notices go.
const fetches =
  /\b(?:npx|npm (?:i|install|exec|x)|(?:pnpm|yarn|bun) (?:add|dlx)|bunx)\b[^`\n]*?(?:^|[\s`])(?:outrider(?![\w/.-])|@outrider\/)/
const notice = /not on npm yet/i
/** How far below a command its notice may stand: the rest of its block, and the sentence after it. */
const nearby = 8

/** Lines that tell the reader to fetch one of our packages, with no notice in the same place. */
function unannounced(file: string, text: string): string[] {
  const lines = text.split('\n')
  const page = /^# .*\n+.*not on npm yet/i.test(text) // said at the top, for the whole page
  return lines.flatMap((line, index) => {
    if (!fetches.test(line) || /npx --no -- /.test(line) || page) return []
    const said = notice.test(lines.slice(index, index + nearby).join('\n'))
    return said ? [] : [`${file}:${index + 1}: ${line.trim()}`]
  })
}

describe('what is not published', () => {
  it('is fetched from the registry by no page and no message that does not say so', () => {
    const globs = [
      '*.md',
      'packages/*/src/*.ts',
      'packages/*/src/*.mjs',
      'docs/*.vue',
      'examples/*.ts',
      'examples/*.tsx',
    ]
    const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...globs], {
      cwd: root,
      encoding: 'utf8',
    })
    const found = files
      .trim()
      .split('\n')
      .filter((file) => !/\.test\.ts$|CHANGELOG/.test(file))
      .flatMap((file) => unannounced(file, readFileSync(join(root, file), 'utf8')))
    expect(found).toEqual([])
  })

  it('is seen in every way to fetch it', () => {
    for (const command of [
      'npx outrider --help',
      'npm i -g outrider',
      'npm install --save-dev @outrider/tensor',
      'pnpm add @outrider/losses',
      'run `npx --yes outrider demo`',
    ])
      expect(unannounced('page.md', `Some text.\n\n${command}\n`), command).toHaveLength(1)
    for (const command of [
      'npm run outrider -- --help',
      'npm i ../outrider/tarballs/*.tgz',
      'npx --no -- outrider --help',
    ])
      expect(unannounced('page.md', `Some text.\n\n${command}\n`), command).toEqual([])
    expect(unannounced('page.md', 'npm i outrider\n\nNot on npm yet: from a clone.')).toEqual([])
  })
})
