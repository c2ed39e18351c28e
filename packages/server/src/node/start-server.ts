import { isLoopback } from '../access'
import { createServer, type OutriderServer, type ServerOptions } from '../create-server'
import { listen } from './listen'

export interface ListeningOptions extends Omit<ServerOptions, 'loopbackOnly'> {
  host: string
  /** 0 for any that is free. */
  port: number
}

export interface ListeningServer extends Omit<OutriderServer, 'ready'> {
  url: string
  /** Whether other machines cannot reach it. */
  loopbackOnly: boolean
}

/**
 * A server of its own, in Node. It resolves when the server listens, all compiled. The models stay the caller's to dispose of,
 * after `close`.
 *
 * @throws OutriderError VOCABULARY_MISMATCH for a draft with other tokens; INVALID_ARGUMENT for an address that cannot be had;
 *   ABORTED when the signal says so before it listens
 */
export async function startServer({ host, port, ...options }: ListeningOptions): Promise<ListeningServer> {
  const loopbackOnly = isLoopback(host)
  const { ready, ...server } = createServer({ ...options, loopbackOnly })
  try {
    await ready
    const deliveryMilliseconds = Math.min(options.stallMilliseconds ?? Number.POSITIVE_INFINITY, 2000)
    const listening = await listen(server.app, { host, port, deliveryMilliseconds })
    return { ...server, url: listening.url, loopbackOnly, close: () => listening.close(server.close()) }
  } catch (error) {
    await server.close()
    throw error
  }
}
