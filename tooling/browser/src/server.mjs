import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join, normalize } from 'node:path'

const page = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>Outrider</title>`

// A page needs these two to be cross-origin isolated: high-resolution timers and SharedArrayBuffer.
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

/**
 * Serves an empty page at `/`, scripts by path and folders below a path, on a free loopback port.
 *
 * @param {Record<string, string>} scripts  URL path → JavaScript
 * @param {Record<string, string>} folders  URL path that ends in a slash → folder on disk
 */
export async function serve(scripts, folders) {
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)
    const send = (status, type, body) => {
      response.writeHead(status, { ...isolation, 'Content-Type': type })
      response.end(body)
    }
    if (path === '/') return send(200, 'text/html', page)
    if (scripts[path] !== undefined) return send(200, 'text/javascript', scripts[path])
    const mount = Object.keys(folders).find((prefix) => path.startsWith(prefix))
    const file = mount && join(folders[mount], normalize(`/${path.slice(mount.length)}`))
    const size = file && (await stat(file).catch(() => null))?.size
    if (!file || size === null || size === undefined) return send(404, 'text/plain', 'not found')
    sendFile(request, response, file, size)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}

function sendFile(request, response, file, size) {
  const headers = { ...isolation, 'Content-Type': 'application/octet-stream', 'Accept-Ranges': 'bytes' }
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
  const start = first === undefined ? 0 : Number(first)
  const end = last ? Math.min(Number(last), size - 1) : size - 1
  response.writeHead(first === undefined ? 200 : 206, {
    ...headers,
    'Content-Length': Math.max(end - start + 1, 0),
    ...(first === undefined ? {} : { 'Content-Range': `bytes ${start}-${end}/${size}` }),
  })
  if (request.method === 'HEAD' || size === 0) return response.end()
  createReadStream(file, { start, end }).pipe(response)
}
