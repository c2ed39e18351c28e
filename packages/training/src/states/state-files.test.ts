import { memoryDirectory } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { StateFiles, type StateFilesOptions } from './state-files'

const identity = { target: 'a', adapter: 'b' }
const opened = (
  directory: ReturnType<typeof memoryDirectory>,
  options: Partial<StateFilesOptions> = {},
  of = identity,
) =>
  StateFiles.open(directory, of, {
    maxBytes: 2 ** 20,
    fileBytes: 2 ** 20,
    onTrouble: (message) => {
      throw new Error(message)
    },
    ...options,
  })
/** Two positions of three words. */
const words = (seed: number) => Uint8Array.from({ length: 24 }, (_, i) => (seed * 31 + i * 7) % 256)
const row = (seed: number) => ({ bytes: words(seed), positions: 2, dtype: 'F16' as const })

/** A directory with the rows `one` and `two`, and the path of its only file. */
async function written() {
  const directory = memoryDirectory()
  const files = await opened(directory)
  await files.add('one', row(1))
  await files.add('two', row(2))
  await files.flush()
  const [folder] = await directory.folders!()
  const [file] = await directory.list(folder)
  return { directory, path: `${folder}/${file}` }
}

describe('state files', () => {
  it('give a row back before it is written, after it, and when they are opened again', async () => {
    const directory = memoryDirectory()
    const files = await opened(directory)
    await files.add('one', row(1))
    expect(await files.read('one')).toEqual(words(1))
    expect(await files.read('two')).toBeUndefined()
    await files.flush()
    await files.flush() // nothing is left to write
    expect(await files.read('one')).toEqual(words(1))
    const again = await opened(directory)
    expect(await again.read('one')).toEqual(words(1))
    expect((await directory.folders!()).length).toBe(1)
    expect((await directory.list((await directory.folders!())[0])).length).toBe(1)
  })

  it('of another target, or another adapter, are not seen', async () => {
    const { directory, path } = await written()
    for (const other of [
      { target: 'a', adapter: 'c' },
      { target: 'c', adapter: 'b' },
    ]) {
      const files = await opened(directory, {}, other)
      expect(await files.read('one')).toBeUndefined()
    }
    // A file that was put into the folder of another target says what it is of.
    const foreign = memoryDirectory()
    const own = await opened(foreign, {}, { target: 'c', adapter: 'b' })
    await own.add('one', row(9))
    await own.flush()
    const [folder] = await foreign.folders!()
    await foreign.write(`${folder}/states-copied.safetensors`, await directory.read(path))
    const told: string[] = []
    const files = await opened(foreign, { onTrouble: (message) => told.push(message) }, { target: 'c', adapter: 'b' })
    expect(await files.read('one')).toEqual(words(9))
    expect(await files.read('two')).toBeUndefined()
    expect(told).toEqual([expect.stringMatching(/states-copied.safetensors is not used.*of another target/)])
  })

  it('that are damaged anywhere are found, told of once, and not used', async () => {
    const { directory, path } = await written()
    const whole = await directory.read(path)
    let changed = 0
    for (let at = 0; at < whole.length; at += 5) {
      const bytes = whole.slice()
      bytes[at]! ^= 4
      await directory.write(path, bytes)
      const told: string[] = []
      const files = await opened(directory, { onTrouble: (message) => told.push(message) })
      const rows = [await files.read('one'), await files.read('two')]
      for (const [i, found] of rows.entries())
        expect(found === undefined || `${found}` === `${words(i + 1)}`).toBe(true)
      if (rows.includes(undefined)) changed++
      expect(told.length).toBeLessThanOrEqual(1)
    }
    expect(changed).toBeGreaterThan(whole.length / 5 / 2)
  })

  it('that are cut off are found, and a row written again is found beside its damaged place', async () => {
    const { directory, path } = await written()
    const whole = await directory.read(path)
    const told: string[] = []
    const onTrouble = (message: string) => told.push(message)
    for (const length of [0, 7, 40, whole.length - 1]) {
      await directory.write(path, whole.slice(0, length))
      expect(await (await opened(directory, { onTrouble })).read('two'), String(length)).toBeUndefined()
    }
    expect(told.length).toBe(4)
    const bytes = whole.slice()
    bytes[bytes.length - 1]! ^= 1
    bytes[bytes.length - 30]! ^= 1
    await directory.write(path, bytes)
    const files = await opened(directory, { onTrouble })
    expect(await files.read('one')).toBeUndefined()
    await files.add('one', row(1))
    await files.flush()
    expect(await (await opened(directory, { onTrouble })).read('one')).toEqual(words(1))
  })

  it('take no more than their bytes, those of other targets among them, and keep what they have', async () => {
    const { directory, path } = await written()
    const maxBytes = (await directory.size(path)) + 30
    const other = await opened(directory, { maxBytes }, { target: 'c', adapter: 'b' })
    await other.add('one', row(5))
    await other.add('two', row(6)) // beyond
    expect(await other.read('one')).toEqual(words(5))
    expect(await other.read('two')).toBeUndefined()
    expect(await (await opened(directory)).read('two')).toEqual(words(2))
  })

  it('are written as soon as they are large enough', async () => {
    const directory = memoryDirectory()
    const files = await opened(directory, { fileBytes: 40 })
    for (const name of ['one', 'two', 'three', 'four', 'five']) await files.add(name, row(1))
    const again = await opened(directory)
    expect(await again.read('four')).toEqual(words(1))
    expect(await again.read('five')).toBeUndefined() // not flushed
  })

  it('tell once of a directory that cannot be written, and go on', async () => {
    const directory = { ...memoryDirectory(), write: () => Promise.reject(new Error('No space left on device')) }
    const told: string[] = []
    const files = await opened(directory, { onTrouble: (message) => told.push(message) })
    for (const name of ['one', 'two', 'three']) {
      await files.add(name, row(1))
      await files.flush()
    }
    expect(await files.read('one')).toBeUndefined()
    expect(told).toEqual([expect.stringMatching(/cannot be written.*No space left/)])
  })
})
