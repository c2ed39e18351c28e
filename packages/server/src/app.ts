import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { cors } from 'hono/cors'
import { requireKey, requireLoopbackHost } from './access'
import { ApiError, toApiError } from './api-error'
import { clientOf } from './client'
import { complete, type Endpoint, unixSeconds } from './complete'
import type { Engine } from './engine/engine'
import { inTurn } from './in-turn'
import type { ServerMetrics } from './metrics/server-metrics'
import type { Passes } from './passes/passes'
import { parseChat } from './requests/chat'
import { parseCompletion } from './requests/completion'
import { assertModel, type ServedModel } from './requests/generation-request'
import { chatFormat } from './responses/chat-format'
import { completionFormat } from './responses/completion-format'

export interface AppOptions {
  served: ServedModel
  engine: Engine
  passes: Passes
  metrics: ServerMetrics
  /** Without one, everybody who reaches the server may ask. */
  apiKey?: string | undefined
  /** Whether only names of this machine are answered. */
  loopbackOnly: boolean
  /** Origins of pages in browsers that may ask; '*' for all. */
  corsOrigins: readonly string[]
  maxBodyBytes: number
  /** Milliseconds that a reader of a stream may take for one event. */
  stallMilliseconds: number
  /** Milliseconds that a stream waits for its first token before its head is sent. */
  headMilliseconds: number
  /** Milliseconds of silence in a stream after which a comment is sent. */
  commentMilliseconds: number
  /** Told of errors that are the server's. */
  onError: (error: unknown) => void
}

/** The server's routes. */
export function buildApp(options: AppOptions): Hono {
  const { served, engine, metrics, apiKey, loopbackOnly, corsOrigins, maxBodyBytes } = options
  const app = new Hono()
  const model = { id: served.name, object: 'model', created: unixSeconds(), owned_by: 'outrider' }
  const modelEntry = { ...model, max_model_len: served.contextLength }

  const limit = bodyLimit({
    maxSize: maxBodyBytes,
    onError: () => {
      throw new ApiError(413, `The body is larger than ${maxBodyBytes} bytes.`, { code: 'body_too_large' })
    },
  })
  if (corsOrigins.length > 0) app.use(cors({ origin: corsOrigins.includes('*') ? '*' : [...corsOrigins] }))
  app.use(inTurn(limit))
  if (loopbackOnly && apiKey === undefined) app.use(requireLoopbackHost)
  app.get('/health', (c) => {
    if (engine.closed) throw engine.closed
    return c.json({ status: 'ok', running: engine.running, waiting: engine.waiting })
  })
  if (apiKey !== undefined) app.use(requireKey(apiKey))
  app.get('/metrics', (c) => c.text(metrics.render(), 200, { 'content-type': 'text/plain; version=0.0.4' }))
  app.get('/v1/models', (c) => c.json({ object: 'list', data: [modelEntry] }))
  app.get('/v1/models/:id{.+}', (c) => {
    assertModel(served, c.req.param('id'))
    return c.json(modelEntry)
  })

  const endpoints: Record<string, Endpoint> = {
    '/v1/chat/completions': { parse: parseChat, format: chatFormat },
    '/v1/completions': { parse: parseCompletion, format: completionFormat },
  }
  const asking = { ...options, onError: (error: unknown) => report(error, options) }
  // What had to wait for its turn has been read already.
  const bounded: typeof limit = (c, next) => (clientOf(c).turn ? next() : limit(c, next))
  for (const [path, endpoint] of Object.entries(endpoints))
    app.post(path, bounded, (c) => complete(c, endpoint, asking))
  const methods = { '/health': 'GET', '/metrics': 'GET', '/v1/models': 'GET' }
  for (const path of [...Object.keys(endpoints), ...Object.keys(methods)])
    app.all(path, (c) => {
      const allow = path in endpoints ? 'POST' : 'GET'
      throw new ApiError(405, `${c.req.path} takes ${allow}.`, { code: 'method_not_allowed', headers: { allow } })
    })

  const paths = [...Object.keys(endpoints), '/v1/models'].join(', ')
  app.notFound((c) =>
    failure(
      c,
      new ApiError(404, `There is no ${c.req.method} ${c.req.path}. This server has ${paths}.`, { code: 'not_found' }),
    ),
  )
  app.onError((error, c) => {
    // Who left in the middle of a request hears nothing, and it is no failure of the server's.
    if (clientOf(c).left) return c.body(null)
    report(error, options)
    return failure(c, toApiError(error))
  })
  return app
}

/** Tells of an error if it is the server's. */
function report(error: unknown, { engine, onError }: AppOptions): void {
  const shown = toApiError(error)
  if (shown.status >= 500 && shown !== engine.closed) onError(error)
}

function failure(c: Context, error: ApiError): Response {
  return c.json(error, error.status as 400, error.headers)
}
