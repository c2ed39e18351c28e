import type { MiddlewareHandler } from 'hono'
import { timingSafeEqual } from 'hono/utils/buffer'
import { ApiError } from './api-error'

/** Asks for `Authorization: Bearer <key>`. Keys are compared in a time that does not depend on them. */
export function requireKey(apiKey: string): MiddlewareHandler {
  return async (c, next) => {
    const given = /^Bearer +(.+)$/i.exec(c.req.header('authorization') ?? '')?.[1]?.trim()
    if (given === undefined || !(await timingSafeEqual(given, apiKey)))
      throw new ApiError(
        401,
        given === undefined
          ? 'This server asks for an API key, as "Authorization: Bearer KEY".'
          : 'The API key is not the one of this server.',
        { code: 'invalid_api_key', headers: { 'www-authenticate': 'Bearer' } },
      )
    await next()
  }
}

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
