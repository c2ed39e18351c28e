import type { MiddlewareHandler } from 'hono'
import type { ConnectionBindings } from './connections'

/**
 * Requests that come through one connection are answered one after another, as they must be sent: a client has one job, however
 * many it sends ahead, and answers do not pile up in memory.
 *
 * @param limit  bounds the body
 */
export function inTurn(
  limit: MiddlewareHandler<{ Bindings: ConnectionBindings }>,
): MiddlewareHandler<{ Bindings: ConnectionBindings }> {
  return async (c, next) => {
    const { turn, outgoing } = c.env
    if (!turn) return next()
    // The body is read at once: of a socket that is not read, nobody hears that its client has left.
    const refused = await limit(c, async () => {
      await c.req.text()
      await turn
    })
    if (refused) return refused
    if (outgoing.destroyed) return c.body(null)
    return next()
  }
}
