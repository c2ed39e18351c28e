import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { OutriderError } from '@outrider/tensor'
import { withClient } from '../client'
import { OpenRequests } from './connections'

/** Answers requests. */
export interface App {
  fetch: (request: Request, env: object) => Response | Promise<Response>
}

export interface ListenOptions {
  host: string
  /** 0 for any that is free. */
  port: number
  /** Milliseconds that readers have for the rest of an answer when the server closes. */
  deliveryMilliseconds: number
}

/** An HTTP server on its port. */
export interface Listening {
  /** Where it is reached. */
  url: string
  /**
   * Takes no new connection. Requests that have not come whole are dropped, answers are delivered, and then all connections are
   * closed. `answered` resolves when the last answer is made.
   */
  close(answered: Promise<void>): Promise<void>
}

/** A request must have come within this time: who sends byte by byte is not waited for. */
const requestMilliseconds = 60_000

/** @throws OutriderError INVALID_ARGUMENT where the address cannot be had */
export async function listen(app: App, { host, port, deliveryMilliseconds }: ListenOptions): Promise<Listening> {
  const server = createAdaptorServer({
    fetch(request, bindings) {
      const { incoming, outgoing } = bindings as { incoming: IncomingMessage; outgoing: ServerResponse } // of HTTP/1
      return app.fetch(request, { incoming, outgoing, ...withClient(open.client(incoming, outgoing)) })
    },
    overrideGlobalObjects: false,
    serverOptions: { requestTimeout: requestMilliseconds, headersTimeout: requestMilliseconds / 2 },
  }) as Server
  const open = new OpenRequests(server)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(error, host, port)))
    server.listen(port, host, resolve)
  })
  const { port: chosen } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${chosen}`,
    async close(answered) {
      const closed = new Promise((resolve) => server.close(resolve))
      open.dropIncomplete()
      await answered
      const deadline = setTimeout(() => server.closeAllConnections(), deliveryMilliseconds)
      await open.empty()
      clearTimeout(deadline)
      server.closeAllConnections()
      await closed
    },
  }
}

function cannotListen(error: NodeJS.ErrnoException, host: string, port: number): OutriderError {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'another program has it',
    EACCES: 'this user may not',
    EADDRNOTAVAIL: 'this machine does not have that address',
    ENOTFOUND: 'no such host is known',
  }
  const reason = reasons[error.code ?? ''] ?? error.message
  return new OutriderError('INVALID_ARGUMENT', `The server cannot listen on ${host}, port ${port}: ${reason}.`, {
    remedy: 'Choose another --port or --host; --port 0 takes any that is free.',
    cause: error,
  })
}
