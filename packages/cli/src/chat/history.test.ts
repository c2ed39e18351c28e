import { chmodSync, lstatSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { historyFile, openHistory } from './history'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outrider-history-'))
  file = join(folder, 'state', 'chat-history.jsonl')
})
afterEach(() => rmSync(folder, { recursive: true }))

const unexpected = (reason: string) => {
  throw new Error(reason)
}

describe('the history', () => {
  test('is there in the next chat, newest first, several lines as one message', () => {
    const first = openHistory(file, unexpected)
    for (const message of ['one', 'two\nlines', 'two\nlines', 'one']) first.add(message)
    expect(openHistory(file, unexpected).entries).toEqual(['one', 'two\nlines'])
  })

  test.skipIf(process.platform === 'win32')('can be read by its user alone, also where it was open before', () => {
    openHistory(file, unexpected).add('one')
    const mode = (path: string) => statSync(path).mode & 0o777
    expect(mode(file)).toBe(0o600)
    expect(mode(dirname(file))).toBe(0o700)
    chmodSync(file, 0o644)
    openHistory(file, unexpected).add('two')
    expect(mode(file)).toBe(0o600)
  })

  test('leaves out what is damaged', () => {
    openHistory(file, unexpected).add('one')
    writeFileSync(file, `${readFileSync(file, 'utf8')}{"not":"a message"}\n"cut o\n"two"\n`)
    expect(openHistory(file, unexpected).entries).toEqual(['two', 'one'])
  })

  test('is cut down to the newest thousand when it has grown', () => {
    openHistory(file, unexpected).add('begin')
    writeFileSync(file, Array.from({ length: 2500 }, (_, i) => `"${i}"\n`).join(''))
    expect(openHistory(file, unexpected).entries).toHaveLength(1000)
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    expect([lines.length, lines[0], lines.at(-1)]).toEqual([1000, '"1500"', '"2499"'])
  })

  test('leaves a link where it is, also when it is cut down', () => {
    const link = join(folder, 'link.jsonl')
    writeFileSync(join(folder, 'real.jsonl'), Array.from({ length: 2500 }, (_, i) => `"${i}"\n`).join(''))
    symlinkSync('real.jsonl', link)
    openHistory(link, unexpected).add('last')
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(readFileSync(join(folder, 'real.jsonl'), 'utf8').trim().split('\n')).toHaveLength(1001)
  })

  test('says once that it cannot be kept, and goes on in memory', () => {
    writeFileSync(join(folder, 'state'), 'a file where the folder should be')
    const reasons: string[] = []
    const history = openHistory(file, (reason) => reasons.push(reason))
    history.add('one')
    history.add('two')
    expect(history.entries).toEqual(['two', 'one'])
    expect(reasons).toHaveLength(1)
  })

  test('touches no file where none is wanted', () => {
    const history = openHistory(undefined, unexpected)
    history.add('one')
    expect(history.entries).toEqual(['one'])
  })
})

test('the file is in the state folder of the user, elsewhere or nowhere by OUTRIDER_HISTORY', () => {
  const of = (env: NodeJS.ProcessEnv, platform: NodeJS.Platform = 'linux') => historyFile(env, platform)
  expect(of({ HOME: '/home/a' })).toBe('/home/a/.local/state/outrider/chat-history.jsonl')
  expect(of({ HOME: '/home/a', XDG_STATE_HOME: '/s' })).toBe('/s/outrider/chat-history.jsonl')
  expect(of({ HOME: '/Users/a' }, 'darwin')).toBe('/Users/a/Library/Application Support/outrider/chat-history.jsonl')
  expect(of({ HOME: '/h', LOCALAPPDATA: '/local' }, 'win32')).toBe('/local/outrider/chat-history.jsonl')
  expect(of({ OUTRIDER_HISTORY: '/x' })).toBe('/x')
  expect([of({ OUTRIDER_HISTORY: 'off' }), of({ OUTRIDER_HISTORY: '' })]).toEqual([undefined, undefined])
})
