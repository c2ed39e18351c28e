import { OutriderError } from '@outrider/tensor'

export interface RequestSettings {
  fetch: typeof fetch
  token: string | undefined
  signal: AbortSignal | undefined
  /** Waits before another attempt, in milliseconds: one longer than the other. */
  pauses: readonly number[]
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
  { signal, pauses }: RequestSettings,
  attempt: (progressed: () => void) => Promise<T>,
): Promise<T> {
  for (let failures = 0; ; ) {
    try {
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

/** Nothing for so long, and the connection counts as broken. */
export const stallMilliseconds = 30_000

/** Asks, and sorts the answers: what may pass, what needs a permission, what is not there. */
export async function ask(
  url: string,
  { fetch, token, signal }: RequestSettings,
  headers: Record<string, string> = {},
): Promise<Response> {
  const authorization: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {}
  const unanswered = new AbortController()
  const timer = setTimeout(() => unanswered.abort(new Error('no answer')), stallMilliseconds)
  const response = await fetch(url, {
    headers: { ...authorization, ...headers },
    signal: signal ? AbortSignal.any([signal, unanswered.signal]) : unanswered.signal,
  })
    .catch((cause: unknown) => {
      throw new Passing(`${new URL(url).host} cannot be reached (${reasonOf(cause)})`, { cause })
    })
    .finally(() => clearTimeout(timer))
  if (response.ok) return response
  await response.body?.cancel().catch(() => undefined)
  throw refusal(response.status, url, response.headers.get('retry-after'), token)
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

export const reasonOf = (error: unknown): string => {
  const { message, cause } = error as { message?: string; cause?: { code?: string; message?: string } }
  return cause?.code ?? cause?.message ?? message ?? String(error)
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
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
