import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { OutriderError } from '@outrider/tensor'
import type { Hono } from 'hono'

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
   * closed. `answered` resolves when the last answer is made; readers have as long as a stream's for the rest of theirs.
   */
  close(answered: Promise<void>): Promise<void>
}

/** A request must have come within this time: who sends byte by byte is not waited for. */
const requestMilliseconds = 60_000

/** @throws OutriderError INVALID_ARGUMENT where the address cannot be had */
export async function listen(
  app: Hono<{ Bindings: HttpBindings }>,
  { host, port, deliveryMilliseconds }: ListenOptions,
): Promise<Listening> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: { requestTimeout: requestMilliseconds, headersTimeout: requestMilliseconds / 2 },
  }) as Server
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(error, host, port)))
    server.listen(port, host, resolve)
  })
  const open = openRequests(server)
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

/** The requests that have not been answered in full. */
function openRequests(server: Server) {
  const requests = new Set<IncomingMessage>()
  let onEmpty: (() => void) | undefined
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    requests.add(request)
    response.once('close', () => {
      requests.delete(request)
      if (requests.size === 0) onEmpty?.()
    })
  })
  return {
    dropIncomplete() {
      for (const request of requests) if (!request.complete) request.destroy()
    },
    async empty() {
      if (requests.size > 0) await new Promise<void>((resolve) => (onEmpty = resolve))
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
