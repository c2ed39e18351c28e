import type { MiddlewareHandler } from 'hono'
import { ApiError } from './api-error'

/**
 * Refuses requests for other hosts than this machine: the page of a stranger may let its name point here and would then be
 * answered (DNS rebinding). For servers on the loopback interface without a key.
 */
export const requireLoopbackHost: MiddlewareHandler = async (c, next) => {
  const host = c.req.header('host') ?? ''
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  if (!isLoopback(name))
    throw new ApiError(403, `This server answers on this machine only, not as ${JSON.stringify(host.slice(0, 200))}.`, {
      code: 'host_not_allowed',
    })
  await next()
}

/** Whether a host name or address is that of the loopback interface. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase()
  if (name === 'localhost' || name.endsWith('.localhost')) return true
  return name === '::1' || loopbackIPv4.test(name)
}

const loopbackIPv4 = /^127(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/
