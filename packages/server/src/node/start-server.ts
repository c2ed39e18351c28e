import { isLoopback } from '../access'
import { createServer, type OutriderServer } from '../create-server'
import type { ServerOptions } from '../server-options'
import { listen } from './listen'

export interface ListeningOptions extends Omit<ServerOptions, 'loopbackOnly'> {
  host: string
  /** 0 for any that is free. */
  port: number
  /** Where `/metrics`, `/health` and `/ready` are had without a key, beside where all is; 0 for any that is free. Default nowhere. */
  metricsPort?: number | undefined
}

export interface ListeningServer extends Omit<OutriderServer, 'ready'> {
  url: string
  /** Of the port for metrics, if there is one. */
  metricsUrl?: string
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
export async function startServer({ host, port, metricsPort, ...options }: ListeningOptions): Promise<ListeningServer> {
  const loopbackOnly = isLoopback(host)
  const { ready, ...server } = createServer({ ...options, loopbackOnly })
  try {
    await ready
    const deliveryMilliseconds = Math.min(options.stallMilliseconds ?? Number.POSITIVE_INFINITY, 2000)
    const listening = await listen(server.app, { host, port, deliveryMilliseconds })
    const operators =
      metricsPort === undefined
        ? undefined
        : await listen(server.operatorApp, { host, port: metricsPort, deliveryMilliseconds }).catch(async (error) => {
            await listening.close(Promise.resolve())
            throw error
          })
    return {
      ...server,
      url: listening.url,
      ...(operators && { metricsUrl: operators.url }),
      loopbackOnly,
      async close() {
        const closed = server.close()
        await listening.close(closed)
        await operators?.close(closed)
      },
    }
  } catch (error) {
    await server.close()
    throw error
  }
}
