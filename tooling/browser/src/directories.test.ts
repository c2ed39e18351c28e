import { runInBrowser } from '@outrider/browser'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Outcome } from './directories.fixture'

let outcome: Outcome
beforeAll(async () => {
  const module = new URL('./directories.fixture.ts', import.meta.url).pathname
  outcome = await runInBrowser<Outcome>(module, { quotaBytes: 64_000 })
})

describe.each(['opfs', 'handle'] as const)('a directory of the browser (%s)', (kind) => {
  it('keeps what Directory promises', () => {
    expect(outcome[kind].broken).toBeNull()
  })

  it('gives back what was written and what was added, whole and in parts', () => {
    expect(outcome[kind]).toMatchObject({ text: 'anew', lines: 'one\nzwölf\n', part: [2, 3], size: 3 })
    expect(outcome[kind].listed).toEqual([['b.txt', 'lines.jsonl'], ['a.bin'], ['a.bin']])
    expect(outcome[kind].has).toEqual([true, false, false, false])
  })

  it('names what is missing, and refuses names that lead outside', () => {
    expect(outcome[kind].missing.map((error) => error?.code)).toEqual(['FILE_MISSING', 'FILE_MISSING', 'FILE_MISSING'])
    expect(outcome[kind].missing[1]?.message).toMatch(/no\/ne/)
    expect(outcome[kind].outside?.code).toBe('INVALID_ARGUMENT')
    expect(outcome[kind].below?.code).toBe('FILE_WRITE')
  })
})

describe('the Origin Private File System', () => {
  it('holds nothing but what is complete: no temporary file, no emptied folder', () => {
    const names = ['b.txt', 'folder/a.bin', 'lines.jsonl']
    expect(outcome.left).toEqual([
      ...names.map((name) => `made/when-needed/${name}`),
      ...names.map((name) => `picked/${name}`),
    ])
  })

  it('says when it is full, and loses nothing by it', () => {
    for (const error of [outcome.full.write, outcome.full.fresh, outcome.full.append])
      expect(error).toMatchObject({
        code: 'FILE_WRITE',
        message: expect.stringMatching(/storage that the browser gives this site is full.*Free space/),
        details: expect.stringContaining('QuotaExceededError'),
      })
    expect(outcome.full).toMatchObject({ kept: 'old', rows: 'row\n', names: ['kept', 'rows'] })
  })
})

describe('files that were chosen', () => {
  it('are a directory without the outermost folder, of which parts can be read', () => {
    expect(outcome.chosen).toMatchObject({
      names: ['model', 'tiny.gguf'],
      listed: [['a', 'config.json'], ['x.bin'], ['tiny.gguf']],
      folders: [['deep'], []],
      part: '23',
      size: 5,
      text: 'GGUF',
    })
  })

  it('are named where one is missing, and cannot be written', () => {
    expect(outcome.chosen.missing).toMatchObject({ code: 'FILE_MISSING' })
    expect(outcome.chosen.writing).toMatchObject({ code: 'FILE_WRITE', message: expect.stringContaining('read-only') })
  })
})
