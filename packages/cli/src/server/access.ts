import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import type { MiddlewareHandler } from 'hono'
import { ApiError } from './api-error'

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Asks for `Authorization: Bearer <key>`. Keys are compared in a time that does not depend on them. */
export function requireKey(apiKey: string): MiddlewareHandler {
  const expected = digest(apiKey)
  return async (c, next) => {
    const given = /^Bearer +(.+)$/i.exec(c.req.header('authorization') ?? '')?.[1]?.trim()
    if (given === undefined || !timingSafeEqual(digest(given), expected))
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
  return isIP(name) === 4 ? name.startsWith('127.') : name === '::1'
}
