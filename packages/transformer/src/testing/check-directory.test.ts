import { describe, expect, it } from 'vitest'
import { type Directory, memoryDirectory } from '../files/index'
import { checkDirectory } from './check-directory'
import { checkReadableDirectory } from './check-readable-directory'

type Change = (sound: Directory) => Partial<Directory>

const changed = (change: Change, sound = memoryDirectory()): Directory => ({ ...sound, ...change(sound) })

const told = (promise: string) => ({ code: 'INVALID_ARGUMENT', details: { promise: expect.stringContaining(promise) } })

describe('a directory', () => {
  it('that keeps what Directory promises passes, and has no files afterwards', async () => {
    const files = memoryDirectory()
    await checkDirectory(files)
    expect(await files.folders!()).toEqual([])
    expect(await files.list()).toEqual([])
  })

  it.each<[string, Change]>([
    [
      'what is written is there',
      (sound) => ({
        write: (file, content) => sound.write(file, typeof content === 'string' ? content.normalize('NFD') : content),
      }),
    ],
    [
      'a file appears under its name when it is whole',
      (sound) => ({
        async write(file, content) {
          await sound.write(file, '')
          await sound.write(file, content)
        },
      }),
    ],
    [
      'a write that fails',
      (sound) => ({
        // What came before the failure is kept as if it were all.
        write: (file, content) => sound.write(file, content).catch(() => sound.write(file, 'half')),
      }),
    ],
    [
      'of several writes at once',
      (sound) => ({
        async write(file, content) {
          if (typeof content !== 'string' || content.length < 1000) return sound.write(file, content)
          await sound.write(file, '')
          for (const letter of content.match(/.{500}/g)!) await sound.append(file, letter)
        },
      }),
    ],
    ['what is appended comes after', (sound) => ({ append: (file, content) => sound.append(file, content) })],
    [
      'a file that is removed is gone',
      (sound) => ({
        async remove(file) {
          await sound.size(file)
          await sound.remove(file)
        },
      }),
    ],
    [
      'a folder goes with its last file',
      (sound) => {
        const known = new Set<string>()
        return {
          async write(file, content) {
            if (file.includes('/')) known.add(file.slice(0, file.indexOf('/')))
            await sound.write(file, content)
          },
          folders: async () => [...known],
        }
      },
    ],
    ['a file that is moved', (sound) => ({ move: async (file, name) => sound.write(name, await sound.read(file)) })],
    [
      'a name that leads outside is not written',
      (sound) => ({ write: (file, content) => sound.write(file.replace('../', ''), content) }),
    ],
  ])('that breaks one is told: %s', async (promise, change) => {
    await expect(checkDirectory(changed(change))).rejects.toMatchObject(told(promise))
  })
})

describe('a directory that is read', () => {
  const contents = { 'a.bin': Uint8Array.of(1, 2, 3, 4), 'b.txt': 'grüße', 'in/c': 'x', 'in/low/d': 'y' }

  it.each<[string, Change]>([
    ['a file is there', (sound) => ({ size: async (file) => (await sound.size(file)) + 1 })],
    [
      'a part is read from its start',
      (sound) => ({
        read: (file, { start = 0, end } = {}) => sound.read(file, { start, ...(end && { end: end + 1 }) }),
      }),
    ],
    [
      'a text is read as UTF-8',
      (sound) => ({ readText: async (file) => String.fromCharCode(...(await sound.read(file))) }),
    ],
    [
      'a file that is not there is missing',
      (sound) => ({ size: async (file) => ((await sound.has(file)) ? sound.size(file) : 0) }),
    ],
    ['names are listed by folder', (sound) => ({ list: async (folder) => (await sound.list(folder)).reverse() })],
    [
      'a name that leads outside is refused',
      (sound) => ({ has: async (file) => !file.startsWith('..') && sound.has(file) }),
    ],
    ['what is not to be written to', () => ({})],
  ])('and breaks a promise is told: %s', async (promise, change) => {
    const files = changed(change, memoryDirectory(contents))
    await expect(checkReadableDirectory(files, { contents, isReadOnly: true })).rejects.toMatchObject(told(promise))
  })
})
