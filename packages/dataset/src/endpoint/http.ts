import { OutriderError } from '@outrider/tensor'

/** How an OpenAI-compatible engine is asked. */
export interface HttpOptions {
  apiKey?: string | undefined
  /** Seconds that an answer may take before it is asked for again. */
  timeoutSeconds: number
  fetch: typeof fetch
}

/** A request that brought no answer. */
export class RequestFailure extends Error {
  constructor(
    message: string,
    /**
     * `busy`: the engine has too much to do; `broken`: it may do better the next time; `refused`: this request alone is not
     * answered; `closed`: none of this kind would be.
     */
    readonly kind: 'busy' | 'broken' | 'refused' | 'closed',
    readonly status?: number,
    /** How long the engine says to wait. */
    readonly retryAfterSeconds?: number,
    cause?: unknown,
  ) {
    super(message, { cause })
  }
}

/** Posts JSON to an address and reads JSON. */
export type Post = (url: string, body: object, signal?: AbortSignal) => Promise<unknown>

/**
 * The addresses of an endpoint: `base` is where `/chat/completions` is, `root` where engines have what OpenAI does not.
 *
 * @throws OutriderError INVALID_ARGUMENT
 */
export function addressesOf(baseUrl: string): { base: string; root: string } {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined
  if (!url || !/^https?:$/.test(url.protocol))
    throw new OutriderError('INVALID_ARGUMENT', `The endpoint ${JSON.stringify(baseUrl)} is no http address.`, {
      remedy: 'Give what clients of OpenAI are given as base_url, such as http://localhost:8000/v1.',
    })
  if (url.username || url.password || url.search || url.hash)
    throw new OutriderError('INVALID_ARGUMENT', 'The address of an endpoint has a password, a query or a fragment.', {
      remedy: 'Give the address alone; a key goes into apiKey (--api-key-file).',
    })
  const path = url.pathname.replace(/\/+$/, '').replace(/\/chat\/completions$/, '')
  const base = `${url.origin}${path || '/v1'}`
  return { base, root: base.replace(/\/v1$/, '') }
}

/** Posts as these options say. The key goes nowhere but into the header: not to where a redirect leads, and into no message. */
export function jsonPost({ apiKey, timeoutSeconds, fetch }: HttpOptions): Post {
  const hidden = (text: string) => (apiKey ? text.replaceAll(apiKey, '…') : text)
  const headers = { 'content-type': 'application/json', ...(apiKey && { authorization: `Bearer ${apiKey}` }) }
  return async (url, body, signal) => {
    const timeout = AbortSignal.timeout(timeoutSeconds * 1000)
    const signals = signal ? AbortSignal.any([signal, timeout]) : timeout
    let response: Response
    let text: string
    try {
      const init = { method: 'POST', headers, body: JSON.stringify(body), signal: signals, redirect: 'error' as const }
      response = await fetch(url, init)
      text = await response.text()
    } catch (cause) {
      signal?.throwIfAborted()
      if (timeout.aborted) throw new RequestFailure(`It took more than ${timeoutSeconds} s.`, 'busy')
      throw new RequestFailure(
        `The connection failed: ${hidden(reasonOf(cause))}.`,
        'broken',
        undefined,
        undefined,
        cause,
      )
    }
    const json = parsed(text)
    if (!response.ok) {
      const { status, headers } = response
      const said = hidden(messageIn(json) ?? text.slice(0, 300))
      throw new RequestFailure(
        `HTTP ${status}: ${said}`,
        kindOf(status),
        status,
        retryAfter(headers.get('retry-after')),
      )
    }
    if (json === undefined) throw new RequestFailure('It answered with something that is not JSON.', 'broken')
    return json
  }
}

const kindOf = (status: number): RequestFailure['kind'] => {
  if (status === 429 || status === 503 || status === 408) return 'busy'
  if (status >= 500 || status === 409 || status === 425) return 'broken'
  return status === 401 || status === 403 || status === 404 || status === 405 ? 'closed' : 'refused'
}

/** Seconds, or a date (RFC 9110, section 10.2.3). */
export function retryAfter(header: string | null, now = Date.now()): number | undefined {
  if (header === null || header.trim() === '') return undefined
  const seconds = /^[\d.]+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - now) / 1000
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What OpenAI, vLLM, FastAPI and llama.cpp say of an error, each in its place. */
function messageIn(json: unknown): string | undefined {
  const { error, message, detail } = (json ?? {}) as Record<string, unknown>
  const said = (error as { message?: unknown } | undefined)?.message ?? error ?? message ?? detail
  return said === undefined ? undefined : (typeof said === 'string' ? said : JSON.stringify(said)).slice(0, 1000)
}

/** Node's fetch says why in the cause. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error
  return cause instanceof Error ? ((cause.message || (cause as { code?: string }).code) ?? message) : message
}
