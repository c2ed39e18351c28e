import type { OutriderError } from '@outrider/tensor'
import { checkPromises, expectRefused, expectSame, type Promises } from '@outrider/tensor/testing'
import type { Directory } from '../files/index'
import { checkReadableDirectory } from './check-readable-directory'

/**
 * Shows that a directory keeps what `Directory` promises to those who write and read. What a crash leaves is not tried.
 *
 * @param files  without files; at the end they are gone again
 * @throws OutriderError INVALID_ARGUMENT for a promise that is broken, with how
 */
export async function checkDirectory(files: Directory): Promise<void> {
  await checkPromises(`Directory ${files.name}`, promises, files)
  const contents = { 'b.txt': 'grüße\n', 'a.bin': Uint8Array.of(1, 0, 255, 3), 'in/one': 'x', 'in/low/three': 'yz' }
  for (const [file, content] of Object.entries(contents)) await files.write(file, content)
  await checkReadableDirectory(files, { contents })
  for (const file of Object.keys(contents).reverse()) await files.remove(file)
}

const bytes = (...values: number[]) => Uint8Array.from(values)

/** Content that fails half-way. */
async function* failing(): AsyncGenerator<Uint8Array> {
  yield bytes(1)
  throw new Error('the content failed')
}

const promises: Promises<Directory> = {
  async 'what is written is there: bytes, a text, pieces that come at once or one after another'(files) {
    const written = bytes(1, 2, 3)
    await files.write('bytes', written)
    await files.write('text', 'zwölf')
    await files.write('pieces', [bytes(1), bytes(), bytes(2, 3)])
    await files.write('stream', from([bytes(4, 5), bytes(6)]))
    written.fill(0) // it is the caller's
    expectSame(await files.read('bytes'), [1, 2, 3], 'bytes')
    expectSame(await files.read('text'), new TextEncoder().encode('zwölf'), 'text')
    expectSame(await files.read('pieces'), [1, 2, 3], 'pieces')
    const read = await files.read('stream')
    expectSame(read, [4, 5, 6], 'stream')
    read.fill(0)
    expectSame(await files.read('stream'), [4, 5, 6], 'what is read again')
    for (const file of ['bytes', 'text', 'pieces', 'stream']) await files.remove(file)
  },

  async 'a file appears under its name when it is whole, in place of what was there'(files) {
    const seen: string[] = []
    const look = async () => seen.push((await files.has('file')) ? await files.readText('file') : 'nothing')
    await files.write('file', from([new TextEncoder().encode('old and '), look, new TextEncoder().encode('long')]))
    await look()
    await files.write('file', from([new TextEncoder().encode('n'), look, new TextEncoder().encode('ew')]))
    await look()
    const expected = ['nothing', 'old and long', 'old and long', 'new']
    if (seen.join() !== expected.join()) throw new Error(`there was [${seen}], expected [${expected}]`)
    await files.remove('file')
  },

  async 'a write that fails throws what its content threw, and leaves what was there before'(files) {
    await files.write('kept', 'old')
    for (const file of ['kept', 'new'])
      await files.write(file, failing()).then(
        () => {
          throw new Error('the failure of the content was not thrown')
        },
        (error: Error) => {
          if (error.message !== 'the content failed') throw error
        },
      )
    const [left] = [(await files.list()).join()]
    if (left !== 'kept' || (await files.readText('kept')) !== 'old') throw new Error(`it left [${left}]`)
    await files.remove('kept')
  },

  async 'of several writes at once one is there, whole'(files) {
    const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(1000))
    // One may refuse to be written while it is.
    const write = (text: string) =>
      files.write('file', text).catch((error: OutriderError) => {
        if (error.code !== 'FILE_WRITE') throw error
      })
    await Promise.all(texts.map(write))
    const text = await files.readText('file')
    if (!texts.includes(text)) throw new Error(`there are ${text.length} letters of [${[...new Set(text)]}]`)
    await files.remove('file')
  },

  async 'what is appended comes after what is there, or after byte `from` of it; the file need not be there'(files) {
    await files.append('in/lines', 'one\n')
    await files.append('in/lines', new TextEncoder().encode('zwölf\n'))
    expectSame(await files.read('in/lines'), new TextEncoder().encode('one\nzwölf\n'), 'two lines')
    await files.append('in/lines', 'two\n', 4)
    expectSame(
      await files.read('in/lines'),
      new TextEncoder().encode('one\ntwo\n'),
      'the second line in place of another',
    )
    await files.remove('in/lines')
  },

  async 'a file that is removed is gone; one that is not there is no error'(files) {
    await files.write('file', 'x')
    await files.remove('file')
    await files.remove('file')
    await files.remove('in/no/folder')
    if (await files.has('file')) throw new Error('it is there')
    await expectRefused('FILE_MISSING', () => files.read('file'))
    if ((await files.list()).length > 0) throw new Error(`it lists [${await files.list()}]`)
  },

  async 'a folder goes with its last file'(files) {
    if (!files.folders) return
    await files.write('in/one', 'x')
    await files.write('in/two', 'x')
    await files.remove('in/one')
    expectSame([(await files.folders()).length], [1], 'folders with a file')
    await files.remove('in/two')
    expectSame([(await files.folders()).length], [0], 'folders without')
  },

  async 'a file that is moved has the other name, whoever had it before'(files) {
    if (!files.move) return
    await files.write('in/old', 'moved')
    await files.write('in/new', 'before')
    await files.move('in/old', 'in/new')
    const left = (await files.list('in')).join()
    if (left !== 'new' || (await files.readText('in/new')) !== 'moved') throw new Error(`there is [${left}]`)
    await expectRefused('FILE_MISSING', () => files.move!('in/old', 'in/other'))
    await files.remove('in/new')
  },

  async 'a name that leads outside is not written'(files) {
    for (const file of ['../secret', '/etc/passwd', 'a/../../b', 'a\\..\\b', 'c:b', '.', '']) {
      await expectRefused('INVALID_ARGUMENT', () => files.write(file, 'x'))
      await expectRefused('INVALID_ARGUMENT', () => files.append(file, 'x'))
      await expectRefused('INVALID_ARGUMENT', () => files.remove(file))
    }
  },
}

/** Pieces one after another; a function among them is called in its turn. */
async function* from(pieces: readonly (Uint8Array | (() => Promise<unknown>))[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces)
    if (piece instanceof Uint8Array) yield piece
    else await piece()
}
