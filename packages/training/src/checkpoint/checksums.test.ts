import { createHash } from 'node:crypto'
import { memoryDirectory } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { verifyChecksums, writeChecksums } from './checksums'

const piece = 16 * 2 ** 20
const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex')

describe('the checksums of a directory', () => {
  it('are the SHA-256 of its files, of a large one piece by piece, with no more than a piece in memory', async () => {
    const large = new Uint8Array(piece + 5).fill(7)
    const files = memoryDirectory({ 'small.json': '{}', 'empty.txt': '', large })
    const reads: number[] = []
    const read: typeof files.read = async (file, range) => {
      const content = await files.read(file, range)
      reads.push(content.length)
      return content
    }
    await writeChecksums({ ...files, read })
    expect(JSON.parse(await files.readText('checksums.json'))).toEqual({
      piece_bytes: piece,
      files: {
        'empty.txt': { bytes: 0, sha256: [] },
        large: { bytes: piece + 5, sha256: [sha256(large.subarray(0, piece)), sha256(large.subarray(piece))] },
        'small.json': { bytes: 2, sha256: [sha256(new TextEncoder().encode('{}'))] },
      },
    })
    expect(Math.max(...reads)).toBe(piece)
    expect(await verifyChecksums(files)).toBe(true)
  })

  it('show what has changed, by its name: a byte, a length, a file that is gone, the checksums themselves', async () => {
    const changed = async (file: string, content?: string) => {
      const files = memoryDirectory({ 'a.json': '{"a":1}', b: 'bytes' })
      await writeChecksums(files)
      if (content === undefined) await files.remove(file)
      else await files.write(file, content)
      return verifyChecksums(files)
    }
    const damage = (message: RegExp) => ({ code: 'FILE_FORMAT', message: expect.stringMatching(message) })
    await expect(changed('a.json', '{"a":2}')).rejects.toMatchObject(damage(/a\.json is not what was written/))
    await expect(changed('b', 'bytes and more')).rejects.toMatchObject(damage(/b is not what was written/))
    await expect(changed('b')).rejects.toMatchObject(damage(/b is missing/))
    for (const content of ['{}', 'null', '{"files":{}}', '{"files'])
      await expect(changed('checksums.json', content), content).rejects.toMatchObject(damage(/checksums\.json/))
  })

  it('are unknown where none were written', async () => {
    expect(await verifyChecksums(memoryDirectory({ a: 'x' }))).toBe(false)
  })
})
