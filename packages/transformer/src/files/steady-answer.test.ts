import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { wholeFile } from './remote-file'
import { urlDirectory } from './url-directory'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** A host that answers so, and its directory, of little patience. */
async function host(answer: (request: IncomingMessage, response: ServerResponse) => unknown, stallMilliseconds = 150) {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/m`
  return urlDirectory(url, { stallMilliseconds })
}

const network = (message: RegExp) => ({ code: 'NETWORK', message: expect.stringMatching(message) })

describe('a host that falls silent', () => {
  it('before it answers is given up', async () => {
    const files = await host(() => undefined)
    await expect(files.readText('config.json')).rejects.toMatchObject(network(/nothing came for 0.15 s/))
    await expect(files.size('model.safetensors')).rejects.toMatchObject(network(/nothing came/))
  })

  it('in the middle of a file is given up', async () => {
    const files = await host((_, response) => response.writeHead(200, { 'content-length': 100 }).write('{'))
    await expect(files.readText('config.json')).rejects.toMatchObject(
      network(/config.json broke off: nothing came for 0.15 s/),
    )
  })

  it('between pieces, and for less than that, is waited for', async () => {
    const files = await host(async (_, response) => {
      for (const piece of '{"a": 1}') {
        response.write(piece)
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
      response.end()
    }, 60_000)
    expect(await files.readText('config.json')).toBe('{"a": 1}')
  })
})

it('a host that redirects in a circle is said to', async () => {
  const files = await host(({ url }, response) => response.writeHead(302, { location: url! }).end())
  await expect(files.readText('config.json')).rejects.toMatchObject(network(/redirects in a circle/))
})

describe('a file of which no length is stated', () => {
  const place = { directory: 'http://host/m', file: 'config.json' }
  const endless = () =>
    new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1000).fill(0x20)) }))

  it('is read to its end, but not without one', async () => {
    expect(await wholeFile(place, async () => new Response(new Blob(['{}']).stream()), 1000)).toEqual(
      new TextEncoder().encode('{}'),
    )
    await expect(wholeFile(place, async () => endless(), 4000)).rejects.toMatchObject({
      code: 'FILE_FORMAT',
      message: expect.stringMatching(/config.json does not end after 4000 bytes/),
    })
  })

  it('is one that unpacks to more than was sent', async () => {
    const packed = gzipSync(new Uint8Array(100_000))
    const server = createServer((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length }).end(packed),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
    const { port } = server.address() as AddressInfo
    const ask = () => fetch(`http://127.0.0.1:${port}/`)
    await expect(wholeFile(place, ask, 50_000)).rejects.toMatchObject({ code: 'FILE_FORMAT' })
  })
})
