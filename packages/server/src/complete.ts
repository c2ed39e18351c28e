import type { Context } from 'hono'
import { answersFor, streamingTo } from './answering'
import type { AppOptions } from './app'
import { jsonBody } from './json-body'
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
import { unixSeconds } from './unix-seconds'

/** How an endpoint reads its requests and writes its answers. */
export interface Endpoint {
  /** What is asked for, of each prompt. */
  parse: (text: string, served: ServedModel) => GenerationFields[]
  format: (served: ServedModel, created: number) => Format
}

/** Answers a request for text, whole or as a stream. */
export async function complete(c: Context, { parse, format }: Endpoint, options: AppOptions): Promise<Response> {
  const { served, headMilliseconds } = options
  const asked = parse(await jsonBody(c), served)
  const n = choiceCount(served, asked[0]!.n, asked.length)
  const requests: GenerationRequest[] = []
  for (const fields of asked) requests.push(...choicesOf(await generationRequest(served, fields), n))
  const asking = answersFor(c, requests, options)
  if (!asking) return c.body(null)
  const { answers, record, abort } = asking
  const writer = format(served, unixSeconds())
  const [{ stream, stream_options }] = asked as [GenerationFields]
  // What one of several answers failed with is told at once, and the others are computed for nobody.
  const failing = (error: unknown): never => {
    abort()
    throw error
  }
  if (!stream) return c.json((await wholeAnswers(answers, served, writer).catch(failing)) ?? null)
  // While nothing is sent, a failure has a status of its own; but a connection on which nothing comes is given up.
  const beginning = answers.map((answer) => answer.begun({ withinMilliseconds: headMilliseconds }))
  const begun = await Promise.all(beginning).catch(failing)
  const usage = {
    includeUsage: stream_options?.include_usage ?? false,
    continuousUsage: stream_options?.continuous_usage_stats ?? false,
  }
  return eventStream(record.streamed(answerChunks(answers, served, writer, usage)), {
    ...streamingTo(asking, options),
    commentAtOnce: !begun.some(Boolean),
    onError(error) {
      abort()
      options.onError(error)
    },
  })
}
