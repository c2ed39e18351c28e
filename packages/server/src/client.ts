import type { Context } from 'hono'

/** Who sent a request, as far as the app must know. */
export interface Client {
  /** Whether it has left, or has been answered in full. */
  readonly left: boolean
  /** Calls when it leaves, or has been answered in full. */
  onLeave(listener: () => void): void
  /** Ends its connection, where the app can. */
  drop?(): void
  /** Resolves when the requests before this one on its connection have been answered; absent where there are none. */
  turn?: Promise<void> | undefined
}

const key = Symbol('client')

/** What an app is called with by a host that knows more of its clients than a request says. */
export const withClient = (client: Client): object => ({ [key]: client })

/** The client of a request. Where the host says nothing of it, the signal of the request does. */
export function clientOf({ env, req }: Context): Client {
  return (env as { [key]?: Client } | undefined)?.[key] ?? clientOfSignal(req.raw.signal)
}

function clientOfSignal(signal: AbortSignal): Client {
  return {
    get left() {
      return signal.aborted
    },
    onLeave: (listener) => signal.addEventListener('abort', listener, { once: true }),
  }
}
