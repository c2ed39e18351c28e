import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Directory } from './directory'
import { memoryDirectory } from './memory-directory'
import { directory } from './node-directory'
import { replacedTogether } from './replaced-together'

const set = { last: 'config', isOfSet: (file: string) => /^(config|weights.*)$/.test(file) }

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'outrider-replaced-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

const write = (files: Record<string, string>) => async (into: Directory) => {
  for (const [file, content] of Object.entries(files)) await into.write(file, content)
}
const contents = async (files: Directory) => {
  const names = (await files.list()).filter((name) => !name.startsWith('.'))
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await files.readText(name)])))
}

const old = { 'weights-1': 'old', 'weights-2': 'old', config: 'old', notes: 'mine' }
const fresh = { 'weights-1': 'new', config: 'new' }

/** A directory that fails at the given change, as if the process ended there: what comes after does nothing. */
function ending(files: Directory, at: number): Directory {
  let changes = 0
  const unlessEnded =
    <Rest extends unknown[]>(change: (...rest: Rest) => Promise<void>) =>
    async (...rest: Rest) => {
      if (++changes >= at) throw new Error('the process ends')
      await change(...rest)
    }
  return {
    ...files,
    write: unlessEnded(files.write),
    remove: unlessEnded(files.remove),
    ...(files.move ? { move: unlessEnded(files.move) } : {}),
  }
}

describe.each([
  ['memory', () => memoryDirectory()],
  ['disk', () => directory(root)],
] as const)('files that belong together, in %s', (_, make) => {
  it('take the place of an earlier set, of which nothing is left; others stay', async () => {
    const files = make()
    await write(old)(files)
    await replacedTogether(files, set, write(fresh))
    expect(await contents(files)).toEqual({ ...fresh, notes: 'mine' })
    expect(await files.list()).toHaveLength(3)
  })

  it('leave the old set as it was where writing them fails', async () => {
    const files = make()
    await write(old)(files)
    const failing = replacedTogether(files, set, async (into) => {
      await write({ 'weights-1': 'new' })(into)
      throw new Error('lost')
    })
    await expect(failing).rejects.toThrow('lost')
    expect(await contents(files)).toEqual(old)
    expect(await files.list()).toHaveLength(4)
  })

  it('are the old set, the new one or none wherever the process ends, and whole the next time', async () => {
    const outcomes = new Set<string>()
    for (let at = 1; ; at++) {
      const files = make()
      for (const name of await files.list().catch(() => [])) await files.remove(name)
      await write(old)(files)
      const ended = await replacedTogether(ending(files, at), set, write(fresh)).then(
        () => false,
        () => true,
      )
      const { config, notes, ...weights } = await contents(files)
      expect(notes).toBe('mine')
      if (config === 'old') expect(weights).toEqual({ 'weights-1': 'old', 'weights-2': 'old' })
      if (config === 'new') expect(weights).toEqual({ 'weights-1': 'new' })
      outcomes.add(config ?? 'none')
      await replacedTogether(files, set, write(fresh))
      expect(await contents(files)).toEqual({ ...fresh, notes: 'mine' })
      expect((await files.list()).filter((name) => name.startsWith('.'))).toEqual([])
      if (!ended) break
    }
    expect(outcomes).toEqual(new Set(['old', 'none', 'new']))
  })
})

it('where files cannot be moved, no half of a set is taken for a whole', async () => {
  const { move: _, ...files } = memoryDirectory()
  await write(old)(files)
  await expect(
    replacedTogether(files, set, async (into) => {
      await write({ 'weights-1': 'new' })(into)
      throw new Error('lost')
    }),
  ).rejects.toThrow('lost')
  expect(await files.has('config')).toBe(false)
  await replacedTogether(files, set, write(fresh))
  expect(await contents(files)).toEqual({ ...fresh, notes: 'mine' })
})
