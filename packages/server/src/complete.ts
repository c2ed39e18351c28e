import type { Context } from 'hono'
import { answerAll } from './answering'
import { ApiError } from './api-error'
import type { AppOptions } from './app'
import { clientOf } from './client'
import { choiceCount, choicesOf } from './requests/choices'
import {
  type GenerationFields,
  type GenerationRequest,
  generationRequest,
  type ServedModel,
} from './requests/generation-request'
import { answerChunks, wholeAnswers } from './responses/answer'
import { eventStream } from './responses/event-stream'
import type { Format } from './responses/format'

/** How an endpoint reads its requests and writes its answers. */
export interface Endpoint {
  /** What is asked for, of each prompt. */
  parse: (text: string, served: ServedModel) => GenerationFields[]
  format: (served: ServedModel, created: number) => Format
}

/** Answers a request for text, whole or as a stream. */
export async function complete(c: Context, { parse, format }: Endpoint, options: AppOptions): Promise<Response> {
  const { served, stallMilliseconds, headMilliseconds, commentMilliseconds } = options
  const asked = parse(await jsonBody(c), served)
  const n = choiceCount(served, asked[0]!.n, asked.length)
  const requests: GenerationRequest[] = []
  for (const fields of asked) requests.push(...choicesOf(await generationRequest(served, fields), n))
  const client = clientOf(c)
  if (client.left) return c.body(null)
  const answers = answerAll(requests, options)
  const abort = () => {
    for (const answer of answers) answer.abort()
  }
  client.onLeave(abort)
  const writer = format(served, unixSeconds())
  const [{ stream, stream_options }] = asked as [GenerationFields]
  if (!stream) return c.json((await wholeAnswers(answers, served, writer)) ?? null)
  // While nothing is sent, a failure has a status of its own; but a connection on which nothing comes is given up.
  const begun = await Promise.all(answers.map((answer) => answer.begun({ withinMilliseconds: headMilliseconds })))
  const usage = {
    includeUsage: stream_options?.include_usage ?? false,
    continuousUsage: stream_options?.continuous_usage_stats ?? false,
  }
  return eventStream(answerChunks(answers, served, writer, usage), {
    stallMilliseconds,
    commentMilliseconds,
    commentAtOnce: !begun.some(Boolean),
    onError: options.onError,
    onLeave(reason) {
      abort()
      if (reason === 'stalled') client.drop?.()
    },
  })
}

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

export const unixSeconds = () => Math.floor(Date.now() / 1000)
