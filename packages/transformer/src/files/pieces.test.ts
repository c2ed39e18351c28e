import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { directoryInPieces } from './node-directory'
import { blobBytes, readPieces, systemBytes, writePieces } from './pieces'

const content = Uint8Array.from({ length: 23 }, (_, i) => i)

/** A system that refuses more than five bytes in one call, and moves three of them at most. */
const refusing = (calls: number[]) => (length: number) => {
  calls.push(length)
  if (length > 5) throw new RangeError(`${length} bytes in one call`)
  return Math.min(3, length)
}

describe('more bytes than a system moves in one call', () => {
  it('are read one piece after another, to where the file ends', async () => {
    const calls: number[] = []
    const move = refusing(calls)
    const read = async (piece: Uint8Array, position: number) => {
      const part = content.subarray(position, position + move(piece.length))
      piece.set(part)
      return part.length
    }
    expect(await readPieces(new Uint8Array(15), read, { position: 4, pieceBytes: 5 })).toEqual(content.slice(4, 19))
    expect(await readPieces(new Uint8Array(15), read, { position: 20, pieceBytes: 5 })).toEqual(content.slice(20))
    expect(Math.max(...calls)).toBe(5)
  })

  it('are written one piece after another', async () => {
    const move = refusing([])
    const written: number[] = []
    await writePieces(
      content,
      async (piece) => {
        const count = move(piece.length)
        written.push(...piece.subarray(0, count))
        return count
      },
      5,
    )
    expect(written).toEqual([...content])
  })

  it('are taken out of a blob one piece after another', async () => {
    const sizes: number[] = []
    class Limited extends Blob {
      override async arrayBuffer() {
        sizes.push(this.size)
        return super.arrayBuffer()
      }
      override slice(start?: number, end?: number) {
        return new Limited([super.slice(start, end)])
      }
    }
    expect(await blobBytes(new Limited([content]), 5)).toEqual(content)
    expect(sizes).toEqual([5, 5, 5, 5, 3])
  })

  it('are fewer than 2 GiB, which Node and Linux refuse', () => {
    expect(systemBytes).toBeLessThan(2 ** 31 - 4096)
  })
})

describe('a directory on disk', () => {
  let root: string
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'outrider-pieces-'))
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  it('writes and reads files larger than a piece, whole and in part', async () => {
    const files = directoryInPieces(root, 5)
    await files.write('f', content)
    await files.append('f', Uint8Array.of(99))
    expect(await files.read('f')).toEqual(Uint8Array.of(...content, 99))
    expect(await files.read('f', { start: 3, end: 20 })).toEqual(content.slice(3, 20))
    expect(await files.read('f', { start: 21 })).toEqual(Uint8Array.of(21, 22, 99))
    expect(await files.readText('f')).toHaveLength(24)
  })

  it('ends where no folder can ever be made', async () => {
    // Below a file, and where Linux lets nobody make folders: its mkdir would try for ever.
    await directoryInPieces(root, 5).write('a-file', 'x')
    const places = [join(root, 'a-file/run'), ...(process.platform === 'linux' ? ['/proc/outrider/run'] : [])]
    for (const place of places) {
      const files = directoryInPieces(place, 5)
      await expect(files.write('f', 'x')).rejects.toMatchObject({ code: 'FILE_WRITE' })
      await expect(files.append('f', 'x')).rejects.toMatchObject({ code: 'FILE_WRITE' })
    }
  })
})
