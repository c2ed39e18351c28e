import * as v from 'valibot'
import { ApiError } from '../api-error'
import { checkFields } from './check-fields'
import { streamOptionFields } from './known-fields'

/**
 * The body of a request, checked.
 *
 * @param checkNames  is given the body as it came, of the schema's shape and with whatever else it has
 * @param checkFirst  is given it before its shape is known, where a shape would say less than it can
 * @throws ApiError 400 that names the field
 */
export function parseBody<Schema extends v.GenericSchema<unknown, object>>(
  schema: Schema,
  text: string,
  checkNames: (body: v.InferOutput<Schema>) => void,
  checkFirst: (body: Record<string, unknown>) => void = () => {},
): v.InferOutput<Schema> {
  const body = parsed(text)
  checkFirst(body)
  const { success, output, issues } = v.safeParse(schema, body, { abortEarly: true })
  if (success) {
    const given = body as v.InferOutput<Schema>
    checkNames(given)
    const { stream_options: options } = given as { stream_options?: object | null }
    if (options) checkFields(options, streamOptionFields, 'stream_options.')
    return output
  }
  const [issue] = issues
  const param = v.getDotPath(innermost(issue)) ?? undefined
  throw new ApiError(400, messageOf(innermost(issue), param), { param })
}

function parsed(text: string): Record<string, unknown> {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    throw new ApiError(400, `The body is not JSON: ${(error as Error).message}.`, { code: 'invalid_json' })
  }
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>
  throw new ApiError(400, 'The body must be a JSON object.')
}

/** Of a union, the complaint of the member that came furthest says more than that none fits. */
function innermost(issue: v.BaseIssue<unknown>): v.BaseIssue<unknown> {
  const deepest = issue.issues?.find(({ type, path }) => type !== issue.type && path)
  return deepest ? innermost({ ...deepest, path: [...(issue.path ?? []), ...deepest.path!] } as typeof issue) : issue
}

function messageOf({ kind, expected, received, message }: v.BaseIssue<unknown>, param: string | undefined): string {
  const name = param ?? 'The body'
  if (kind === 'validation') return `${name} ${message}.`
  return received === 'undefined'
    ? `${name} is required.`
    : `${name} must be ${expected}, not ${received.length > 100 ? `${received.slice(0, 100)}…` : received}.`
}
