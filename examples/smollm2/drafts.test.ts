import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { draftIn, namedDrafts } from './drafts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outrider-drafts-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('drafts', () => {
  it('have the names that they are given, or those of their folders, each one of its own', () => {
    expect([...namedDrafts(['best=runs/kld', 'runs/tvd'])]).toEqual([
      ['best', 'runs/kld'],
      ['tvd', 'runs/tvd'],
    ])
    expect(() => namedDrafts(['a/draft', 'b/draft'])).toThrow(/Two drafts are named draft/)
  })

  it('are a directory of Hugging Face, or the GGUF file in a folder', async () => {
    expect(() => draftIn(folder)).toThrow(/neither config\.json nor draft\.gguf/)
    await writeFile(join(folder, 'draft.gguf'), '')
    expect(draftIn(folder)).toBe(join(folder, 'draft.gguf'))
    await writeFile(join(folder, 'config.json'), '{}')
    expect(draftIn(folder)).toBe(folder)
    expect(draftIn('other/model.gguf')).toBe('other/model.gguf')
  })
})
