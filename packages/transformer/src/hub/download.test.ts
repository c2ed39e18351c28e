import { readdir, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { cacheDirectory, eachInItsHome, failure, files, home, open, start, weights } from './hostile-hub.fixture'
import type { TestHub } from './hub.fixture'

eachInItsHome()

describe('no progress', () => {
  const downloads = (hub: TestHub) => hub.requests.filter(({ path }) => path.endsWith(weights)).length
  const cut = (response: ServerResponse, bytes: Uint8Array) => {
    response.write(bytes, () => response.destroy())
    return true
  }

  it('is a server that begins anew and breaks off again and again', async () => {
    const hub = await start()
    for (let i = 0; i < 20; i++) hub.troubles.push((_, response, whole) => cut(response, whole.subarray(0, 100_000)))
    expect(await failure((await open(hub)).read(weights))).toMatchObject({ code: 'NETWORK' })
    expect(downloads(hub)).toBe(3)
  })

  it('is one that sends a byte each time', async () => {
    const hub = await start()
    for (let i = 0; i < 20; i++)
      hub.troubles.push(({ headers }, response, whole) => {
        const at = Number(/bytes=(\d+)/.exec(headers.range ?? '')?.[1] ?? 0)
        response.writeHead(at > 0 ? 206 : 200, { 'content-range': `bytes ${at}-${whole.length - 1}/${whole.length}` })
        return cut(response, whole.subarray(at, at + 1))
      })
    expect(await failure((await open(hub)).read(weights))).toMatchObject({ code: 'NETWORK' })
    expect(downloads(hub)).toBe(3)
  })

  it('is a part that is empty, or another than was asked for', async () => {
    for (const header of ['bytes 7-199999/200000', 'bytes */200000', undefined]) {
      const hub = await start()
      hub.troubles.push((_, response, whole) => cut(response, whole.subarray(0, 1000)))
      for (let i = 0; i < 20; i++)
        hub.troubles.push((_, response) => {
          response.writeHead(206, header === undefined ? {} : { 'content-range': header }).end()
          return true
        })
      expect(await failure((await open(hub)).read(weights))).toMatchObject({ code: 'NETWORK' })
      expect(downloads(hub)).toBe(3)
      await rm(cacheDirectory, { recursive: true })
    }
  })

  it('loses nothing: what has come stays where the server begins anew and breaks off earlier', async () => {
    const hub = await start()
    hub.troubles.push(
      (_, response, whole) => cut(response, whole.subarray(0, 150_000)),
      (_, response, whole) => cut(response, whole.subarray(0, 10_000)),
    )
    expect(files[weights].equals(await (await open(hub)).read(weights))).toBe(true)
    expect(hub.requests.at(-1)!.range).toBe('bytes=150000-')
  })
})

describe('a part of a large file', () => {
  const large = 'large.safetensors'
  const bytes = Buffer.alloc(2 ** 25 + 8, 'weights ')
  const part = { start: 1_000_003, end: 1_000_011 }
  const openLarge = async (...troubles: TestHub['troubles']) => {
    const hub = await start(undefined, { has: { [large]: bytes } })
    hub.troubles.push(...troubles)
    return open(hub, { pauses: [1] })
  }

  it('is all that is read, and where the server sends more, no more is waited for', async () => {
    const model = await openLarge(
      () => false,
      (_, response, whole) => {
        response.write(whole.subarray(0, 2_000_000))
        return true
      },
    )
    for (let i = 0; i < 2; i++) expect(String(Buffer.from(await model.read(large, part)))).toBe('ghts wei')
    expect(await readdir(home)).toEqual(['profile'])
  })

  it('is not taken from elsewhere in the file, nor cut short', async () => {
    const wrong = (start: number, length: number): TestHub['troubles'][number] => {
      return (_, response, whole) => {
        response.writeHead(206, { 'content-range': `bytes ${start}-${start + length - 1}/${whole.length}` })
        response.end(whole.subarray(start, start + length))
        return true
      }
    }
    for (const lie of [wrong(0, 8), wrong(part.start, 7), wrong(part.start, 0)])
      expect(await failure((await openLarge(lie, lie)).read(large, part))).toMatchObject({ code: 'NETWORK' })
  })
})
