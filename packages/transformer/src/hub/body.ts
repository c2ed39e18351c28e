import { reasonOf } from '../files/network-reason'
import { Passing, type RequestSettings } from './requests'

/**
 * The pieces of an answer's body as they come. Whoever stops early leaves the rest unsent.
 *
 * @throws Passing where the connection breaks, or nothing comes for `stallMilliseconds`
 */
export async function* pieces(
  response: Response,
  { signal, stallMilliseconds }: Pick<RequestSettings, 'signal' | 'stallMilliseconds'>,
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  if (!reader) return
  const next = () =>
    new Promise<{ done: boolean; value?: Uint8Array | undefined }>((resolve, reject) => {
      const stop = () => reject(new Passing('it was aborted'))
      const timer = setTimeout(() => reject(new Passing('nothing came any more')), stallMilliseconds)
      signal?.addEventListener('abort', stop, { once: true })
      const settled = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', stop)
      }
      reader
        .read()
        .then(resolve, (cause) => reject(new Passing(`the connection broke (${reasonOf(cause)})`, { cause })))
        .finally(settled)
    })
  try {
    for (;;) {
      const { done, value } = await next()
      if (done) return
      yield value!
    }
  } finally {
    // Nothing waits for it: a connection that hangs may hang here, too.
    reader.cancel().catch(() => undefined)
  }
}

/** What answers may come to, together. */
export interface Budget {
  bytes: number
  /** In milliseconds of `performance.now()`. */
  until: number
}

/** An answer's JSON, within what is left of a budget. */
export async function json(response: Response, settings: RequestSettings, budget: Budget): Promise<unknown> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const piece of pieces(response, settings)) {
    budget.bytes -= piece.length
    if (budget.bytes < 0) throw new Passing('the answer is longer than any listing')
    if (performance.now() > budget.until) throw new Passing('the answer does not come to an end')
    text += decoder.decode(piece, { stream: true })
  }
  try {
    return JSON.parse(text + decoder.decode())
  } catch (cause) {
    throw new Passing('the answer is not JSON', { cause })
  }
}
