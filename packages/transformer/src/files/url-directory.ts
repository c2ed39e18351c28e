import { OutriderError } from '@outrider/tensor'
import { checkFileName, type Directory, fileMissing, readOnly } from './directory'

/**
 * A folder behind an http(s) address, read-only. Parts of files are asked for by range; a server that answers with the
 * whole file instead is understood. A web server does not list its files, so `list` is refused.
 *
 * @param base  the folder's address; files are resolved below it
 */
export function urlDirectory(
  base: string | URL,
  options: { fetch?: typeof fetch; headers?: Record<string, string> } = {},
): Directory {
  const folder = new URL(base)
  if (!folder.pathname.endsWith('/')) folder.pathname += '/'
  const name = folder.href.replace(/\/(?=$|\?)/, '')
  const request = options.fetch ?? globalThis.fetch

  async function ask(file: string, init: { method?: 'HEAD'; range?: string } = {}): Promise<Response> {
    const address = new URL(checkFileName(name, file).split('/').map(encodeURIComponent).join('/'), folder)
    address.search = folder.search
    const headers = { ...options.headers, ...(init.range ? { range: init.range } : {}) }
    const response = await request(address, { method: init.method ?? 'GET', headers }).catch((cause: unknown) => {
      throw new OutriderError('FILE_MISSING', `${name}/${file} cannot be fetched: ${(cause as Error).message}.`, {
        remedy: 'Check the address and the connection; a browser also needs the server to allow cross-origin requests.',
        cause,
      })
    })
    if (response.ok) return response
    if (response.status === 404) throw fileMissing(name, file)
    throw new OutriderError(
      'FILE_MISSING',
      `${name}/${file}: the server answered ${response.status} ${response.statusText}.`,
      {
        remedy:
          response.status === 401 || response.status === 403
            ? 'The file needs a permission: pass it in headers.'
            : undefined,
        details: { status: response.status },
      },
    )
  }

  return {
    name,
    async list() {
      throw new OutriderError('UNSUPPORTED', `${name}: a web server does not list its files.`)
    },
    async has(file) {
      try {
        await ask(file, { method: 'HEAD' })
        return true
      } catch (error) {
        if (error instanceof OutriderError && error.details.file === file) return false
        throw error
      }
    },
    async size(file) {
      const length = (await ask(file, { method: 'HEAD' })).headers.get('content-length')
      return length === null ? (await this.read(file)).length : Number(length)
    },
    async read(file, { start = 0, end } = {}) {
      if (end !== undefined && end <= start) return new Uint8Array()
      const whole = start === 0 && end === undefined
      const response = await ask(file, whole ? {} : { range: `bytes=${start}-${end === undefined ? '' : end - 1}` })
      const bytes = new Uint8Array(await response.arrayBuffer())
      return whole || response.status === 206 ? bytes : bytes.subarray(start, end)
    },
    async readText(file) {
      return new TextDecoder().decode(await this.read(file))
    },
    ...readOnly(name),
  }
}
