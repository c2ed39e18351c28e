import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const leftOut = new Set(['node_modules', 'dist', '.git', '.turbo', 'cache', 'api'])

/** Every file of the repository that may name another one. */
function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      if (!leftOut.has(entry.name)) yield* sources(path)
    } else if (/\.([mc]?[jt]sx?|json|md|ya?ml|sh|html|css)$|^run$/.test(entry.name)) yield path
  }
}

/** Paths that go up, wherever a file names one: in a string, a link, a command. */
const upwards = (text: string) => [...text.matchAll(/(?<=["'`(=\s])(?:\.\/)?\.\.\/[^"'`)\s]*/g)].map(([path]) => path)

/** The lowest folder that the path passes through on its way up. */
const highest = (file: string, path: string) => resolve(dirname(file), /^(?:\.\/)?(?:\.\.\/)+/.exec(path)![0])

const leavesRepository = (folder: string) => relative(root, folder).startsWith('..')

describe('the repository', () => {
  it('names no file beside the checkout, in code, in tests or on a page', () => {
    const found: string[] = []
    for (const file of sources(root))
      for (const path of upwards(readFileSync(file, 'utf8')))
        if (leavesRepository(highest(file, path))) found.push(`${relative(root, file)}: ${path}`)
    expect(found).toEqual([])
  })

  it('would be told of one that it named', () => {
    const file = join(root, 'packages/some/src/some.test.ts')
    const up = (folders: number) => '../'.repeat(folders)
    const paths = upwards(`new URL('${up(4)}beside/model', import.meta.url); import '${up(3)}tooling/x'`)
    expect(paths.map((path) => leavesRepository(highest(file, path)))).toEqual([true, false])
  })

  it('links on its pages lead to files that are there', () => {
    const missing: string[] = []
    for (const file of sources(root)) {
      if (!file.endsWith('.md')) continue
      for (const [, link] of readFileSync(file, 'utf8').matchAll(/\]\((?![a-z]+:|#|\/)([^)#\s]+)/g))
        if (![link!, `${link}.md`, `${link}/index.md`].some((path) => existsSync(resolve(dirname(file), path))))
          missing.push(`${relative(root, file)}: ${link}`)
    }
    expect(missing).toEqual([])
  })
})
