import { OutriderError } from '@outrider/tensor'
import { reasonOf } from '../files/network-reason'

export interface RequestSettings {
  fetch: typeof fetch
  /** Where the token may go: to this origin (scheme, host and port) and no other. */
  origin: string
  token: string | undefined
  signal: AbortSignal | undefined
  /** Waits before another attempt, in milliseconds: one longer than the other. */
  pauses: readonly number[]
  /** Nothing for so long, in milliseconds, and the connection counts as broken. */
  stallMilliseconds: number
}

/** A failure that another attempt may mend. */
export class Passing extends Error {
  /** How long the server asks to be left alone, in milliseconds. */
  readonly pause: number | undefined

  constructor(message: string, options: { cause?: unknown; pause?: number | undefined } = {}) {
    super(message, { cause: options.cause })
    this.pause = options.pause
  }
}

/**
 * Does something until it succeeds, pausing after each passing failure. `attempt` may begin the count anew, when it has got on.
 *
 * @throws OutriderError NETWORK after the last attempt; ABORTED; what is not passing, at once
 */
export async function persist<T>(
  what: string,
  { signal, pauses }: Pick<RequestSettings, 'signal' | 'pauses'>,
  attempt: (progressed: () => void) => Promise<T>,
): Promise<T> {
  for (let failures = 0; ; ) {
    try {
      signal?.throwIfAborted()
      return await attempt(() => {
        failures = 0
      })
    } catch (error) {
      if (signal?.aborted) throw new OutriderError('ABORTED', `${what} was aborted.`, { cause: signal.reason })
      if (!(error instanceof Passing)) throw error
      const pause = pauses[failures++]
      if (pause === undefined)
        throw new OutriderError('NETWORK', `${what} failed: ${error.message}.`, {
          remedy: 'Check the connection, and run it again: what has been downloaded is kept.',
          cause: error,
        })
      await sleep(Math.min(error.pause ?? pause, 60_000), signal)
    }
  }
}

const mostRedirects = 8

/**
 * Asks, follows redirects, and sorts the answers: what may pass, what needs a permission, what is not there. The token goes to
 * the hub's own origin only, and no more once a redirect has left it.
 */
export async function ask(
  url: string,
  settings: RequestSettings,
  headers: Record<string, string> = {},
): Promise<Response> {
  let at = new URL(url)
  let { token } = settings
  for (let redirects = 0; ; redirects++) {
    if (at.origin !== settings.origin) token = undefined
    const response = await answer(at, settings, token ? { ...headers, authorization: `Bearer ${token}` } : headers)
    if (response.ok) return response
    // Nothing waits for the body of a refusal: it may never end.
    response.body?.cancel().catch(() => undefined)
    const location = isRedirect(response.status) ? response.headers.get('location') : null
    if (location === null) throw refusal(response.status, url, response.headers.get('retry-after'), settings.token)
    if (redirects === mostRedirects) throw new Passing(`the server redirects more than ${mostRedirects} times`)
    at = redirected(location, at)
  }
}

async function answer(
  url: URL,
  { fetch, signal, stallMilliseconds }: RequestSettings,
  headers: Record<string, string>,
): Promise<Response> {
  const unanswered = new AbortController()
  const timer = setTimeout(() => unanswered.abort(new Error('no answer')), stallMilliseconds)
  try {
    return await fetch(url, {
      headers,
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, unanswered.signal]) : unanswered.signal,
    })
  } catch (cause) {
    throw new Passing(`${url.host} cannot be reached (${reasonOf(cause)})`, { cause })
  } finally {
    clearTimeout(timer)
  }
}

const isRedirect = (status: number) => [301, 302, 303, 307, 308].includes(status)

function redirected(location: string, from: URL): URL {
  const to = URL.canParse(location, from) ? new URL(location, from) : undefined
  if (to && (to.protocol === 'https:' || to.protocol === from.protocol) && !to.username && !to.password) return to
  // No more of it is shown: addresses of storage carry signatures.
  throw new OutriderError(
    'NETWORK',
    `${from.host} redirects to where nothing is asked for: ${to?.origin ?? 'no address'}.`,
    {
      remedy: 'Check HF_ENDPOINT: an https address leads to https addresses only.',
    },
  )
}

/** The error for a status that is no success. */
export function refusal(status: number, url: string, retryAfter: string | null, token: string | undefined): Error {
  if (status === 429 || status >= 500) {
    const seconds = Number(retryAfter)
    return new Passing(`the server answered ${status}`, { pause: seconds > 0 ? seconds * 1000 : undefined })
  }
  if (status === 401 || status === 403)
    return new OutriderError('FILE_MISSING', `${url}: the server answered ${status}: it asks for a permission.`, {
      remedy: token
        ? 'The token has no access: accept the conditions of the model on its page, or use a token of somebody who has.'
        : 'Set HF_TOKEN to a token with access to the model (the same answer is given for a name that does not exist).',
      details: { status },
    })
  return new OutriderError('FILE_MISSING', `${url}: the server answered ${status}.`, {
    remedy: status === 404 ? 'Check the name of the model, its revision and the file.' : undefined,
    details: { status },
  })
}

export function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds)
    signal?.addEventListener('abort', done, { once: true })
    function done() {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
  })
}
