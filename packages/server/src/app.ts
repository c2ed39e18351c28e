import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { cors } from 'hono/cors'
import { requireLoopbackHost } from './access'
import { ApiError, toApiError } from './api-error'
import { clientOf } from './client'
import { complete, type Endpoint } from './complete'
import type { DraftChanges } from './drafts/draft-changes'
import { draftPath, draftRoutes } from './drafts/draft-routes'
import { embeddings } from './embeddings/embeddings'
import type { Engine } from './engine/engine'
import { inTurn } from './in-turn'
import type { ServerMetrics } from './metrics/server-metrics'
import { respond } from './openai-responses/respond'
import { healthRoutes, metricsText } from './operators/health'
import type { Keys } from './operators/keys'
import { type RequestLogEntry, requestLog } from './operators/request-log'
import { servePage } from './page/serve-page'
import type { Passes } from './passes/passes'
import { parseChat } from './requests/chat'
import { parseCompletion } from './requests/completion'
import { assertModel, type ServedModel } from './requests/generation-request'
import { chatFormat } from './responses/chat-format'
import { completionFormat } from './responses/completion-format'
import { unixSeconds } from './unix-seconds'

export interface AppOptions {
  served: ServedModel
  engine: Engine
  passes: Passes
  metrics: ServerMetrics
  /** Resolves when all is compiled. */
  ready: Promise<void>
  /** Without any, everybody who reaches the server may ask. */
  keys?: Keys | undefined
  drafts: DraftChanges
  /** Names of the keys that may change the draft. */
  draftKeys: readonly string[]
  /** Whether requests of all keys share what their prompts begin with. */
  sharePrefixes: boolean
  /** Whether only names of this machine are answered. */
  loopbackOnly: boolean
  /** Origins of pages in browsers that may ask; '*' for all. */
  corsOrigins: readonly string[]
  /** Whether there is a page to chat by. */
  page: boolean
  maxBodyBytes: number
  /** Milliseconds that a reader of a stream may take for one event. */
  stallMilliseconds: number
  /** Milliseconds that a stream waits for its first token before its head is sent. */
  headMilliseconds: number
  /** Milliseconds of silence in a stream after which a comment is sent. */
  commentMilliseconds: number
  /** Told of each request when its answer has ended. */
  onRequest?: ((entry: RequestLogEntry) => void) | undefined
  /** Told of errors that are the server's. */
  onError: (error: unknown) => void
}

/** The server's routes. */
export function buildApp(options: AppOptions): Hono {
  const { served, keys, loopbackOnly, corsOrigins, maxBodyBytes, onRequest } = options
  const app = new Hono()
  const model = { id: served.name, object: 'model', created: unixSeconds(), owned_by: 'outrider' }
  const modelEntry = { ...model, max_model_len: served.contextLength }

  const limit = bodyLimit({
    maxSize: maxBodyBytes,
    onError: () => {
      throw new ApiError(413, `The body is larger than ${maxBodyBytes} bytes.`, { code: 'body_too_large' })
    },
  })
  app.use(requestLog({ onRequest, quiet: ['/health', '/ready', '/metrics', '/'] }))
  if (corsOrigins.length > 0)
    app.use(cors({ origin: corsOrigins.includes('*') ? '*' : [...corsOrigins], exposeHeaders: ['x-request-id'] }))
  app.use(inTurn(limit))
  if (loopbackOnly && keys === undefined) app.use(requireLoopbackHost)
  healthRoutes(app, options)
  if (options.page) servePage(app)
  if (keys !== undefined) app.use(keys.require)
  app.get('/metrics', (c) => metricsText(c, options))
  app.get('/v1/models', (c) => c.json({ object: 'list', data: [modelEntry] }))
  app.get('/v1/models/:id{.+}', (c) => {
    assertModel(served, c.req.param('id'))
    return c.json(modelEntry)
  })
  app.get('/v1/responses/:id', (c) => {
    throw new ApiError(404, `There is no response ${JSON.stringify(c.req.param('id').slice(0, 200))}: none is kept.`, {
      code: 'not_found',
    })
  })

  const asking = { ...options, onError: (error: unknown) => report(error, options) }
  const answering =
    (endpoint: Endpoint) =>
    (c: Context): Promise<Response> =>
      complete(c, endpoint, asking)
  const endpoints: Record<string, (c: Context) => Promise<Response>> = {
    '/v1/chat/completions': answering({ parse: parseChat, format: chatFormat }),
    '/v1/completions': answering({ parse: parseCompletion, format: completionFormat }),
    '/v1/responses': (c) => respond(c, asking),
    '/v1/embeddings': (c) => embeddings(c, asking),
  }
  // What had to wait for its turn has been read already.
  const bounded: typeof limit = (c, next) => (clientOf(c).turn ? next() : limit(c, next))
  if (keys) draftRoutes(app, { ...options, bounded })
  for (const [path, answer] of Object.entries(endpoints)) {
    if (keys) app.post(path, keys.limit)
    app.post(path, bounded, answer)
  }
  for (const path of [...Object.keys(endpoints), '/health', '/ready', '/metrics', '/v1/models'])
    app.all(path, (c) => {
      const allow = path in endpoints ? 'POST' : 'GET'
      throw new ApiError(405, `${c.req.path} takes ${allow}.`, { code: 'method_not_allowed', headers: { allow } })
    })

  if (keys)
    app.all(draftPath, (c) => {
      throw new ApiError(405, `${c.req.path} takes GET and POST.`, {
        code: 'method_not_allowed',
        headers: { allow: 'GET, POST' },
      })
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

/** What those who run the server ask, without keys: for a port that clients do not reach. */
export function buildOperatorApp(options: Pick<AppOptions, 'engine' | 'metrics' | 'ready'>): Hono {
  const app = new Hono()
  healthRoutes(app, options)
  app.get('/metrics', (c) => metricsText(c, options))
  app.notFound((c) => c.text('This port has /metrics, /health and /ready.\n', 404))
  app.onError((error, c) => failure(c, toApiError(error)))
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
