import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readApiKeys } from './api-keys'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outrider-keys-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function read(text: string) {
  const path = join(folder, 'keys.txt')
  await writeFile(path, text)
  return readApiKeys(path)
}

it('reads a name and a key from each line, but for comments', async () => {
  expect(await read('# who asks\nmira a-long-secret\r\n\nteam.two\tanother=  \n')).toEqual({
    mira: 'a-long-secret',
    'team.two': 'another=',
  })
})

it.each([
  ['a-secret-alone\n', /line 1: it is no "name key"/],
  ['mira a b\n', /line 1/],
  ['mira a\nmira b\n', /line 2: the name mira is there twice/],
  ['# nobody\n', /has no API key/],
])('refuses %o by its line, and shows no key', async (text, message) => {
  const error = await read(text).catch((error: Error) => error)
  expect((error as Error).message).toMatch(message)
  expect((error as Error).message).not.toContain('secret')
})

it('refuses a file that is not there', async () => {
  await expect(readApiKeys(join(folder, 'none'))).rejects.toThrow(/cannot be read/)
})
