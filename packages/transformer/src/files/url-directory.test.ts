import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { openGguf } from './gguf/read'
import { parseJson } from './json'
import { keptDirectory } from './kept-directory'
import { memoryDirectory } from './memory-directory'
import { openSafetensors } from './safetensors/read'
import { urlDirectory } from './url-directory'

const encode = (text: string) => new TextEncoder().encode(text)
const page = '<!doctype html><title>Our site</title>'
const body = Uint8Array.from({ length: 5000 }, (_, i) => i % 7)

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** A host that answers so, what it was asked for, and its directory. */
async function host(answer: Answer) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.range ?? ''}`.trim())
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/m`
  return { asked, url, files: urlDirectory(url) }
}

const rangeOf = ({ headers }: IncomingMessage, size = body.length) => {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? []
  return first === undefined ? undefined : { start: Number(first), end: Math.min(last ? Number(last) + 1 : size, size) }
}

/** Serves the body as a server that does all well; what is given is done otherwise. */
const serving =
  (
    others: {
      headers?: Record<string, string>
      contentRange?: (start: number, end: number) => string | undefined
    } = {},
  ): Answer =>
  (request, response) => {
    const range = rangeOf(request)
    const [start, end] = range ? [range.start, range.end] : [0, body.length]
    if (start >= end) return response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end()
    const place = others.contentRange ? others.contentRange(start, end) : `bytes ${start}-${end - 1}/${body.length}`
    response.writeHead(range ? 206 : 200, {
      'content-length': end - start,
      ...(range && place ? { 'content-range': place } : {}),
      ...others.headers,
    })
    response.end(body.subarray(start, end))
  }

const hosts: [string, Answer][] = [
  ['does all well', serving()],
  [
    'compresses whole files, and states that length for HEAD',
    (request, response) => {
      if (rangeOf(request)) return serving()(request, response)
      const coded = gzipSync(body)
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': coded.length })
      response.end(request.method === 'HEAD' ? undefined : coded)
    },
  ],
  [
    'compresses parts, too',
    (request, response) => {
      const range = rangeOf(request)
      const coded = gzipSync(body)
      const { start, end } = range ?? { start: 0, end: coded.length }
      const part = coded.subarray(start, end)
      response.writeHead(range ? 206 : 200, {
        'content-encoding': 'gzip',
        ...(range ? { 'content-range': `bytes ${start}-${start + part.length - 1}/${coded.length}` } : {}),
      })
      response.end(part)
    },
  ],
  ...[403, 405, 501].map((status): [string, Answer] => [
    `refuses HEAD with ${status}`,
    (request, response) =>
      request.method === 'HEAD' ? response.writeHead(status).end() : serving()(request, response),
  ]),
  ['knows no parts', (_, response) => response.writeHead(200, { 'content-length': body.length }).end(body)],
  [
    'knows no parts, and sends without a length',
    (_, response) => {
      response.writeHead(200).write(body.subarray(0, 100))
      response.end(body.subarray(100))
    },
  ],
  ...[400, 405, 416, 501].map((status): [string, Answer] => [
    `refuses parts with ${status}`,
    (request, response) => (rangeOf(request) ? response.writeHead(status).end('no') : serving()(request, response)),
  ]),
  [
    'does not say of how many bytes a part is',
    serving({ contentRange: (start, end) => `bytes ${start}-${end - 1}/*` }),
  ],
  ['does not say, or show a page, which part it sends', serving({ contentRange: () => undefined })],
  ['answers the first byte with another part', serving({ contentRange: () => 'bytes 7-7/5000' })],
  [
    'sends less than was asked for',
    (request, response) => {
      const range = rangeOf(request)
      if (!range) return serving()(request, response)
      const end = Math.min(range.end, range.start + 1000)
      response.writeHead(206, { 'content-range': `bytes ${range.start}-${end - 1}/${body.length}` })
      response.end(body.subarray(range.start, end))
    },
  ],
  [
    'passes on to another address',
    (request, response) =>
      request.url!.startsWith('/m/')
        ? response.writeHead(302, { location: `/cdn${request.url}` }).end()
        : serving()(request, response),
  ],
  ['has weak etags', serving({ headers: { etag: 'W/"abc"' } })],
  [
    'knows no parts, and marks what it compresses by its etag',
    (request, response) => {
      const coded = rangeOf(request) === undefined
      const content = coded ? gzipSync(body) : body
      const headers = { etag: coded ? '"a-gzip"' : '"a"', ...(coded ? { 'content-encoding': 'gzip' } : {}) }
      response.writeHead(200, { ...headers, 'content-length': content.length }).end(content)
    },
  ],
  [
    'compresses whatever it is asked for',
    (_, response) => {
      const coded = gzipSync(body)
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': coded.length }).end(coded)
    },
  ],
  ['calls every file a page', serving({ headers: { 'content-type': 'text/html' } })],
]

describe.each(hosts)('a host that %s', (_, answer) => {
  it('gives the size and the parts of a file', async () => {
    const { files } = await host(answer)
    expect(await files.has('w.bin')).toBe(true)
    expect(await files.size('w.bin')).toBe(body.length)
    expect(await files.read('w.bin', { start: 4, end: 12 })).toEqual(body.slice(4, 12))
    expect(await files.read('w.bin', { start: 4000, end: 9000 })).toEqual(body.slice(4000))
    expect(await files.read('w.bin', { start: 6000, end: 9000 })).toHaveLength(0)
    expect(await files.read('w.bin')).toEqual(body)
  })
})

describe('what a host answers in place of a file', () => {
  const answering =
    (parts: boolean, type = 'text/html', text = page): Answer =>
    (request, response) => {
      const range = parts ? rangeOf(request, text.length) : undefined
      const { start, end } = range ?? { start: 0, end: text.length }
      response.writeHead(range ? 206 : 200, {
        'content-type': type,
        ...(range ? { 'content-range': `bytes ${start}-${end - 1}/${text.length}` } : {}),
      })
      response.end(text.slice(start, end))
    }

  it.each([
    ['with parts', answering(true)],
    ['without parts', answering(false)],
    ['as bytes', answering(true, 'application/octet-stream')],
    ['after blanks and a comment', answering(true, 'text/html', `\n <!-- hello -->\n${page}`)],
  ])('a page (%s) is a file that is not there', async (_, answer) => {
    const { files } = await host(answer)
    expect(await files.has('generation_config.json')).toBe(false)
    const missing = { code: 'FILE_MISSING', message: expect.stringMatching(/an HTML page.*check the address/s) }
    await expect(files.readText('config.json')).rejects.toMatchObject(missing)
    await expect(files.size('model.safetensors')).rejects.toMatchObject(missing)
    await expect(files.read('model.safetensors', { start: 0, end: 8 })).rejects.toMatchObject(missing)
    await expect(openSafetensors(files)).rejects.toMatchObject(missing)
  })

  it('a page that is asked for is a file; so is a template that begins like one', async () => {
    const { files } = await host(answering(true))
    expect(await files.has('index.html')).toBe(true)
    const template = await host(answering(true, 'text/html', '<|user|>{{ text }}'))
    expect(await template.files.readText('chat_template.jinja')).toBe('<|user|>{{ text }}')
    expect(await template.files.has('chat_template.jinja')).toBe(true)
  })

  it('an empty file is one', async () => {
    const { files } = await host((_, response) => response.writeHead(416, { 'content-range': 'bytes */0' }).end())
    expect(await files.has('empty')).toBe(true)
    expect(await files.size('empty')).toBe(0)
  })

  it('404, with a page or without, is missing; a refusal and a failure are what they are', async () => {
    const status = async (code: number) => (await host((_, response) => response.writeHead(code).end(page))).files
    expect(await (await status(404)).has('x')).toBe(false)
    expect(await (await status(410)).has('x')).toBe(false)
    await expect((await status(403)).has('x')).rejects.toMatchObject({ code: 'FILE_MISSING', details: { status: 403 } })
    await expect((await status(503)).has('x')).rejects.toMatchObject({ code: 'NETWORK', details: { status: 503 } })
  })

  it.each([
    ['a pointer of Git LFS', 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n', /Git LFS/],
    ['gzip data', gzipSync('weights'), /compressed \(gzip\)/],
  ])('%s is called what it is', async (_, content, what) => {
    const bytes = typeof content === 'string' ? encode(content) : content
    const { files } = await host((_, response) => response.writeHead(200).end(bytes))
    await expect(openSafetensors(files)).rejects.toMatchObject({
      code: 'FILE_FORMAT',
      message: expect.stringMatching(what),
    })
    const gguf = memoryDirectory({ 'm.gguf': content })
    await expect(openGguf(gguf, 'm.gguf')).rejects.toMatchObject({ message: expect.stringMatching(what) })
    if (typeof content === 'string') expect(() => parseJson(content, 'tokenizer.json')).toThrow(what)
  })
})

describe('a file that changes', () => {
  const changing = async (change: (asked: number) => Record<string, string>, size = () => body.length) => {
    let asked = 0
    const large = 40 * 2 ** 20
    const fake: typeof fetch = async (_, init) => {
      asked++
      const [, first, last] = /(\d+)-(\d+)/.exec(new Headers(init?.headers).get('range')!)!
      const part = new Uint8Array(Number(last) - Number(first) + 1).fill(asked)
      return new Response(part, {
        status: 206,
        headers: { 'content-range': `bytes ${first}-${last}/${large + size() - body.length}`, ...change(asked) },
      })
    }
    return urlDirectory('http://host/m', { fetch: fake })
  }

  it.each([
    ['its etag', (asked: number) => ({ etag: asked < 3 ? '"a"' : '"b"' })],
    ['its time', (asked: number) => ({ 'last-modified': asked < 3 ? 'Mon' : 'Tue' })],
  ])('between two reads is refused, by %s, and read anew the next time', async (_, change) => {
    const files = await changing(change)
    await files.read('w', { start: 0, end: 8 })
    await expect(files.read('w', { start: 30_000_000, end: 30_000_008 })).rejects.toMatchObject({
      code: 'FILE_FORMAT',
      message: expect.stringMatching(/has changed while it was read/),
    })
    expect(await files.read('w', { start: 30_000_000, end: 30_000_008 })).toEqual(new Uint8Array(8).fill(5))
  })

  it('is refused by its size', async () => {
    let size = body.length
    const files = await changing(
      () => ({}),
      () => size,
    )
    await files.read('w', { start: 0, end: 8 })
    size++
    await expect(files.read('w', { start: 30_000_000, end: 30_000_008 })).rejects.toMatchObject({ code: 'FILE_FORMAT' })
  })

  it.each([
    ['size', () => ({})],
    ['etag', (asked: number) => ({ etag: asked < 2 ? '"a"' : '"b"' })],
  ])('is refused by its %s where it comes as a whole, too', async (what, headers) => {
    const { asked, files } = await host((_, response) => {
      const now = body.subarray(what === 'size' ? asked.length : 0)
      response.writeHead(200, { 'content-length': now.length, ...headers(asked.length) }).end(now)
    })
    expect(await files.has('w')).toBe(true)
    await expect(files.read('w', { start: 0, end: 8 })).rejects.toMatchObject({ code: 'FILE_FORMAT' })
  })

  it('into other parts than were asked for is a failure of the network', async () => {
    const { files } = await host((request, response) => {
      const { start, end } = rangeOf(request)!
      const from = end - start > 1 ? start + 1 : start
      response.writeHead(206, { 'content-range': `bytes ${from}-${end - 1}/${body.length}` })
      response.end(body.subarray(from, end))
    })
    await expect(files.read('w', { start: 0, end: 8 })).rejects.toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining('bytes 0 to 4999 were asked for'),
    })
  })
})

it.each([
  ['parts', serving({ headers: { etag: '"a"' } })],
  ['no parts', (_, response) => response.writeHead(200, { 'content-length': body.length, etag: '"a"' }).end(body)],
] as [string, Answer][])('of a host that gives %s, what is kept is not asked for again', async (_, answer) => {
  const { asked, url } = await host(answer)
  const store = memoryDirectory()
  await keptDirectory(urlDirectory(url), store).keep!('w')
  asked.length = 0
  const again = keptDirectory(urlDirectory(url), store)
  await again.keep!('w')
  expect(await again.read('w', { start: 4, end: 12 })).toEqual(body.slice(4, 12))
  expect(asked).toEqual(['GET /m/w bytes=0-0'])
})

it('asks for large spans: reads of many small parts are few requests', async () => {
  const { asked, files } = await host(serving())
  await files.has('w')
  await files.size('w')
  for (let start = 0; start < body.length; start += 50)
    expect(await files.read('w', { start, end: start + 50 })).toEqual(body.slice(start, start + 50))
  expect(asked).toEqual(['GET /m/w bytes=0-0', 'GET /m/w bytes=0-4999'])
})

it('finds the size of a file from the lengths of answers, where no place may be seen', async () => {
  const { asked, files } = await host(serving({ contentRange: () => undefined }))
  expect(await files.size('w')).toBe(body.length)
  expect(await files.read('w', { start: 4, end: 12 })).toEqual(body.slice(4, 12))
  expect(asked.map((line) => line.split(' ')[2])).toEqual(['bytes=0-0', 'bytes=0-', 'bytes=4999-', 'bytes=4-4999'])
})

it('reads on for 16 MiB in a large file, and a little at its beginning', async () => {
  const asked: string[] = []
  const size = 40 * 2 ** 20
  const fake: typeof fetch = async (_, init) => {
    const range = new Headers(init?.headers).get('range')!
    asked.push(range)
    const [, first, last] = /(\d+)-(\d+)/.exec(range)!
    const headers = { 'content-range': `bytes ${first}-${last}/${size}` }
    return new Response(new Uint8Array(Number(last) - Number(first) + 1), { status: 206, headers })
  }
  const files = urlDirectory('http://host/m', { fetch: fake })
  const mebi = 2 ** 20
  await files.read('w', { start: 0, end: 8 })
  for (let start = 8; start < size; start += mebi) await files.read('w', { start, end: Math.min(start + mebi, size) })
  expect(asked).toEqual([
    'bytes=0-0',
    `bytes=0-${mebi - 1}`,
    `bytes=${mebi}-${17 * mebi - 1}`,
    `bytes=${17 * mebi}-${33 * mebi - 1}`,
    `bytes=${33 * mebi}-${size - 1}`,
  ])
})

it('a host without parts sends a file once, and for its size only the beginning', async () => {
  const { asked, files } = await host((_, response) =>
    response.writeHead(200, { 'content-length': body.length }).end(body),
  )
  expect(await files.size('w')).toBe(body.length)
  expect(asked).toEqual(['GET /m/w bytes=0-0'])
  for (let start = 0; start < body.length; start += 500) await files.read('w', { start, end: start + 500 })
  expect(asked).toHaveLength(2) // what it is, and the whole
})

it('a read that is aborted ends, also where the host never answers', async () => {
  const stop = new AbortController()
  const waiting: typeof fetch = (_, init) =>
    new Promise((_, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal!.reason)))
  const read = urlDirectory('http://host/m', { fetch: waiting, signal: stop.signal }).read('config.json')
  stop.abort()
  await expect(read).rejects.toMatchObject({ code: 'ABORTED' })
})
