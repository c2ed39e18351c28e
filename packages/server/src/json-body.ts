import type { Context } from 'hono'
import { ApiError } from './api-error'

/**
 * The text of a body that was sent as JSON.
 *
 * @throws ApiError 415
 */
export async function jsonBody(c: Context): Promise<string> {
  if (!/^application\/json\b/i.test(c.req.header('content-type') ?? ''))
    throw new ApiError(415, 'The body must be sent as application/json.', { code: 'unsupported_media_type' })
  return c.req.text()
}
