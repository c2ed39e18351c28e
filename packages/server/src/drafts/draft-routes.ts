import type { Context, Hono, MiddlewareHandler } from 'hono'
import * as v from 'valibot'
import { ApiError } from '../api-error'
import { clientOf } from '../client'
import { jsonBody } from '../json-body'
import { recordOf } from '../operators/request-record'
import { parseBody } from '../requests/parse-body'
import type { DraftChange, DraftChanges } from './draft-changes'

export interface DraftRoutesOptions {
  drafts: DraftChanges
  /** Names of the keys that may change the draft. */
  draftKeys: readonly string[]
  bounded: MiddlewareHandler
}

/** Where the draft is asked for and changed. */
export const draftPath = '/admin/draft'

/**
 * `GET /admin/draft`: which draft runs, and what is on the way. `POST /admin/draft` with `{"draft": "name"}`, or null for none, puts another
 * in its place. To be called behind what asks for keys: without any there is nothing here.
 */
export function draftRoutes(app: Hono, { drafts, draftKeys, bounded }: DraftRoutesOptions): void {
  const only: MiddlewareHandler = async (c, next) => {
    if (!drafts.possible)
      throw new ApiError(404, 'The draft of this server stays as it is: it was started without a folder of drafts.', {
        code: 'not_found',
      })
    const { keyName } = recordOf(c)
    if (keyName === undefined || !draftKeys.includes(keyName))
      throw new ApiError(403, 'Not with this key: whoever runs the server names those that may change its draft.', {
        code: 'key_not_allowed',
      })
    await next()
  }
  app.get(draftPath, only, (c) =>
    c.json({ draft: drafts.draft, changes: drafts.count, former: drafts.former, underway: drafts.underway }),
  )
  app.post(draftPath, only, bounded, async (c) => c.json(changeJson(await drafts.change(await asked(c), leaving(c)))))
}

/** What was asked for: a name, or null. */
async function asked(c: Context): Promise<string | null> {
  const { draft } = parseBody(schema, await jsonBody(c), (body) => {
    const unknown = Object.keys(body).find((name) => name !== 'draft')
    if (unknown !== undefined)
      throw new ApiError(400, `${JSON.stringify(unknown.slice(0, 100))} is no field here; there is "draft".`, {
        param: unknown.slice(0, 100),
      })
  })
  return draft
}

const schema = v.object({ draft: v.union([v.pipe(v.string(), v.minLength(1, 'must not be empty')), v.null()]) })

/** Fires when who asks has left. */
function leaving(c: Context): AbortSignal {
  const controller = new AbortController()
  const client = clientOf(c)
  if (client.left) controller.abort()
  else client.onLeave(() => controller.abort())
  return controller.signal
}

const changeJson = ({ draft, former, requestsWithFormer, loadSeconds, prepareSeconds }: DraftChange) => ({
  draft,
  former,
  requests_with_former: requestsWithFormer,
  load_seconds: loadSeconds,
  prepare_seconds: prepareSeconds,
})
