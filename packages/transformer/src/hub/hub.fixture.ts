import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a hub does to a request for a file, instead of answering it. Undefined: answer. */
export type Trouble = (request: IncomingMessage, response: ServerResponse, bytes: Uint8Array) => boolean

export interface TestHub {
  endpoint: string
  /** Requests so far: what was asked, and from which byte. */
  requests: { path: string; range: string | undefined; authorization: string | undefined }[]
  /** Taken one by one by requests for contents; `true` from one means that it has answered. */
  troubles: Trouble[]
  close(): Promise<void>
}

export const commit = 'c0ffee0000000000000000000000000000000001'

/** A server that speaks the paths of the Hugging Face Hub for one model. Files ending in .safetensors are listed with SHA-256. */
export async function testHub(
  name: string,
  files: Readonly<Record<string, Uint8Array>>,
  {
    token,
    lie,
  }: {
    token?: string
    /** Asked first, about every request: `true` means that it has answered. */
    lie?: (path: string, response: ServerResponse, request: IncomingMessage) => boolean
  } = {},
): Promise<TestHub> {
  const hub: Pick<TestHub, 'requests' | 'troubles'> = { requests: [], troubles: [] }
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url!, 'http://hub').pathname)
    const { authorization, range } = request.headers
    hub.requests.push({ path, range, authorization })
    if (lie?.(path, response, request)) return
    const json = (status: number, value: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    }
    if (token && authorization !== `Bearer ${token}`) return json(401, { error: 'Repository not found' })
    if (path === `/api/models/${name}/revision/main`) return json(200, { _id: '1', id: name, sha: commit })
    if (path === `/api/models/${name}/tree/${commit}`) return json(200, Object.entries(files).map(entryOf))
    const file = path.startsWith(`/${name}/resolve/${commit}/`) ? path.slice(`/${name}/resolve/${commit}/`.length) : ''
    const bytes = files[file]
    if (!bytes) return json(404, { error: 'Entry not found' })
    if (hub.troubles.shift()?.(request, response, bytes)) return
    const start = Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0)
    const end = Number(/bytes=\d+-(\d+)/.exec(range ?? '')?.[1] ?? bytes.length - 1) + 1
    if (range) response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` })
    response.end(bytes.subarray(start, end))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    ...hub,
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** What a hub lists of a file. */
export function entryOf([path, bytes]: [string, Uint8Array]) {
  const hash = (algorithm: string, ...parts: (string | Uint8Array)[]) =>
    parts.reduce((sum, part) => sum.update(part), createHash(algorithm)).digest('hex')
  const entry = { type: 'file', path, size: bytes.length, oid: hash('sha1', `blob ${bytes.length}\0`, bytes) }
  return path.endsWith('.safetensors')
    ? { ...entry, lfs: { oid: hash('sha256', bytes), size: bytes.length, pointerSize: 134 } }
    : entry
}
