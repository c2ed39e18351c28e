import type { MiddlewareHandler } from 'hono'
import type { Answering } from '../answering'
import { clientOf } from '../client'
import { type RequestRecord, recordOf } from './request-record'

/** One request, as it is told when its answer has ended. Times are seconds; what does not apply is absent. */
export interface RequestLogEntry {
  /** When it came, in ISO 8601. */
  time: string
  /** As in its answer's header `x-request-id`. */
  id: string
  /** Of its header `traceparent`. */
  trace_id?: string
  /** The name of the key that it came with. */
  key?: string
  method: string
  path: string
  /** 499 where the client left before its answer had ended. */
  status: number
  stream?: boolean
  prompt_tokens?: number
  /** Those of them that did not have to be read. */
  cached_tokens?: number
  generated_tokens?: number
  /** From when it was queued to its first token. */
  first_token_seconds?: number
  /** From its head to the end of its answer. */
  seconds: number
  /** From the first token to the last, but for the first. */
  tokens_per_second?: number
  /** τ: tokens delivered for each pass of the target, where a draft was used. */
  block_efficiency?: number
  /** Why the answer ended, of several answers each reason once. */
  finish_reason?: string
}

export interface RequestLogOptions {
  /** Told of each request when its answer has ended. */
  onRequest: ((entry: RequestLogEntry) => void) | undefined
  /** Paths that are asked all the time, and told of only where they fail. */
  quiet: readonly string[]
}

/** Gives each request a name, which its answer bears, and tells of it when its answer has ended. */
export function requestLog({ onRequest, quiet }: RequestLogOptions): MiddlewareHandler {
  return async (c, next) => {
    const [time, began] = [new Date().toISOString(), performance.now()]
    const record = recordOf(c)
    const client = clientOf(c)
    await next()
    c.header('x-request-id', record.id)
    const { status } = c.res
    if (onRequest && !(quiet.includes(c.req.path) && status < 400)) {
      const { method } = c.req
      const path = c.req.path.slice(0, 200)
      record.onEnd(() => {
        const left = record.left || (!record.streams && client.left)
        const seconds = rounded((performance.now() - began) / 1000)
        onRequest({ ...headOf(record, time), method, path, status: left ? 499 : status, ...figuresOf(record), seconds })
      })
    }
    if (!record.streams) record.end()
  }
}

const headOf = ({ id, traceId, keyName }: RequestRecord, time: string) => ({
  time,
  id,
  ...(traceId !== undefined && { trace_id: traceId }),
  ...(keyName !== undefined && { key: keyName }),
})

function figuresOf({ answers, promptTokens, streams }: RequestRecord): Partial<RequestLogEntry> {
  if (answers.length === 0) return promptTokens === undefined ? {} : { prompt_tokens: promptTokens }
  const jobs = answers.flatMap(({ job }) => job ?? [])
  const first = least(jobs.flatMap(({ firstToken }) => firstToken ?? []))
  const submitted = least(jobs.map((job) => job.submitted))
  const rate = rateOf(answers)
  const passes = total(answers.map(({ ending }) => ending?.speculation?.num_target_passes ?? 0))
  const delivered = total(answers.map(({ ending }) => ending?.speculation?.num_delivered_tokens ?? 0))
  return {
    ...(streams && { stream: true }),
    prompt_tokens: total(answers.map(({ request }) => request.prompt.length)),
    cached_tokens: total(answers.map(({ cachedTokens }) => cachedTokens)),
    generated_tokens: total(answers.map(({ tokens }) => tokens)),
    ...(first !== undefined && submitted !== undefined && { first_token_seconds: rounded(first - submitted) }),
    ...(rate !== undefined && { tokens_per_second: rounded(rate) }),
    ...(passes > 0 && { block_efficiency: rounded(delivered / passes) }),
    finish_reason: [...new Set(answers.map(reasonOf))].join(),
  }
}

/** Of all answers together; what comes before the first token is the prompt. */
function rateOf(answers: readonly Answering[]): number | undefined {
  const jobs = answers.flatMap(({ job }) => job ?? [])
  const first = least(jobs.flatMap(({ firstToken }) => firstToken ?? []))
  const last = jobs.flatMap(({ lastToken }) => lastToken ?? []).reduce((a, b) => Math.max(a, b), 0)
  const later = total(jobs.map(({ tokens }) => tokens - 1))
  return first === undefined || last <= first || later <= 0 ? undefined : later / (last - first)
}

const reasonOf = ({ ending, job }: Answering) => ending?.finishReason ?? (job?.state === 'failed' ? 'error' : 'abort')
const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)
const least = (values: readonly number[]): number | undefined => (values.length > 0 ? Math.min(...values) : undefined)
const rounded = (value: number) => Number(value.toPrecision(4))

/** An entry as one line for people. */
export function logLine({ time, method, path, status, id, ...rest }: RequestLogEntry): string {
  const figures = Object.entries(rest).map(([name, value]) => `${name}=${value}`)
  return [time, method, path, status, `id=${id}`, ...figures].join(' ')
}
