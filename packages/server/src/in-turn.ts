import type { MiddlewareHandler } from 'hono'
import { clientOf } from './client'

/**
 * Requests that come through one connection are answered one after another, as they must be sent: a client has one job, however
 * many it sends ahead, and answers do not pile up in memory.
 *
 * @param limit  bounds the body
 */
export function inTurn(limit: MiddlewareHandler): MiddlewareHandler {
  return async (c, next) => {
    const client = clientOf(c)
    if (!client.turn) return next()
    // The body is read at once: of a socket that is not read, nobody hears that its client has left.
    const refused = await limit(c, async () => {
      await c.req.text()
      await client.turn
    })
    if (refused) return refused
    if (client.left) return c.body(null)
    return next()
  }
}
