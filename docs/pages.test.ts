import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SpeculationMetrics } from '@outrider/speculative'
import { run } from 'outrider'
import { describe, expect, it } from 'vitest'
import { commandsOf, linksOf, markdownFiles, root } from './markdown'

const repository = markdownFiles()

describe('what the documentation says', () => {
  it('has an entry for every code of an OutriderError, and for no other', () => {
    const source = readFileSync(join(root, 'packages/tensor/src/errors.ts'), 'utf8')
    const union = /export type ErrorCode =\n((?: +\| '[A-Z_]+'\n)+)/.exec(source)![1]!
    const codes = [...union.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code)
    const page = repository.get('docs/guide/troubleshooting.md')!
    const entries = [...page.matchAll(/^### ([A-Z_]+)\n\n(.+)/gm)]
    expect(entries.map(([, code]) => code).sort()).toEqual(codes.sort())
    for (const [, code, text] of entries) expect(text!.length, code).toBeGreaterThan(60)
  })

  it('says of every figure of speculation what it means', () => {
    const page = repository.get('docs/guide/figures.md')!
    for (const name of Object.keys(new SpeculationMetrics({ parameterRatio: 1 }).toJSON()))
      expect(page, name).toMatch(new RegExp(`^\\| [^|]*\`${name}\`[^|]*\\| [^|]+ \\| .{20,} \\|$`, 'm'))
  })

  it('uses commands and options that outrider has', async () => {
    const helps = new Map<string, Promise<string>>()
    const helpOf = (command: string) => {
      if (!helps.has(command)) helps.set(command, help(command))
      return helps.get(command)!
    }
    const commands = [...repository].flatMap(([file, text]) =>
      commandsOf(text)
        .map((line) => /^(?:npx (?:--no -- )?|npm run )?outrider (?:-- )?(.+)$/.exec(line)?.[1])
        .filter((line) => line !== undefined)
        .map((line) => ({ file, line })),
    )
    expect(commands.length).toBeGreaterThan(15)
    for (const { file, line } of commands) {
      const [command, ...words] = line.split(/\s+/)
      const text = await helpOf(command!.startsWith('-') ? '' : command!)
      const options = words.map((word) => /^(--?[a-z][a-z-]*)/.exec(word)?.[1]).filter((option) => option !== undefined)
      for (const option of options)
        expect(text, `${file}: outrider ${line}`).toMatch(new RegExp(`^ .*${option}(?![a-z-])`, 'm'))
    }
  })

  it('links to files of the repository that there are, and to well-formed addresses', () => {
    for (const [file, text] of repository)
      for (const { address, line } of linksOf(text)) {
        const where = `${file}:${line} → ${address}`
        if (/^[a-z]+:/.test(address)) expect(() => new URL(address), where).not.toThrow()
        // Pages of the site are checked as they are built.
        else if (!file.startsWith('docs/') || file === 'docs/README.md') {
          const [path] = address.split('#')
          expect(existsSync(join(root, dirname(file), path!)), where).toBe(true)
        }
      }
  })
})

/** What `outrider COMMAND --help` prints; a command that there is not fails. */
async function help(command: string): Promise<string> {
  let text = ''
  const stream = {
    columns: 120,
    write(chunk: string) {
      text += chunk
      return true
    },
  }
  const args = command === '' ? ['--help'] : [command, '--help']
  const status = await run(args, { out: stream, err: stream, input: process.stdin, env: {} } as unknown as Parameters<
    typeof run
  >[1])
  expect(status, `outrider ${command}: ${text}`).toBe(0)
  return text
}
