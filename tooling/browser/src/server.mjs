import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'

const page = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>Outrider</title>`

// A page needs these two to be cross-origin isolated: high-resolution timers and SharedArrayBuffer.
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

const contentTypes = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
}

/**
 * Serves scripts by path and folders below a path, on a free loopback port; an empty page at `/` if no folder has one.
 *
 * @param {Record<string, string>} scripts  URL path → JavaScript
 * @param {Record<string, string>} folders  URL path that ends in a slash → folder on disk, its index.html for the path itself
 */
export async function serve(scripts, folders) {
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)
    const send = (status, type, body) => {
      response.writeHead(status, { ...isolation, 'Content-Type': type })
      response.end(body)
    }
    if (scripts[path] !== undefined) return send(200, 'text/javascript', scripts[path])
    const mount = Object.keys(folders).find((prefix) => path.startsWith(prefix))
    const file = mount && join(folders[mount], normalize(`/${path.slice(mount.length) || 'index.html'}`))
    const size = file && (await stat(file).catch(() => undefined))?.size
    if (path === '/' && size === undefined) return send(200, 'text/html', page)
    if (!file || size === undefined) return send(404, 'text/plain', 'not found')
    sendFile(request, response, file, size)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}

function sendFile(request, response, file, size) {
  const type = contentTypes[extname(file)] ?? 'application/octet-stream'
  const headers = { ...isolation, 'Content-Type': type, 'Accept-Ranges': 'bytes' }
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
