import type { Context } from 'hono'
import { type Answering, answersFor, streamingTo } from '../answering'
import type { AppOptions } from '../app'
import { jsonBody } from '../json-body'
import { generationRequest } from '../requests/generation-request'
import { given, metricsOf, usageOf } from '../responses/answer'
import { eventStream } from '../responses/event-stream'
import { chatLogprobs } from '../responses/logprobs'
import { unixSeconds } from '../unix-seconds'
import { ResponseEvents } from './events'
import { parseResponses } from './parse'
import { messageItem, outputText, type ResponseFrame, responseObject } from './response-object'

/** Answers `/v1/responses`, whole or as a stream of events. */
export async function respond(c: Context, options: AppOptions): Promise<Response> {
  const { served, headMilliseconds, onError } = options
  const asked = parseResponses(await jsonBody(c), served)
  const request = await generationRequest(served, asked.fields)
  const asking = answersFor(c, [request], options)
  if (!asking) return c.body(null)
  const [answer] = asking.answers as [Answering]
  const frame: ResponseFrame = {
    id: `resp_${newId()}`,
    messageId: `msg_${newId()}`,
    created: unixSeconds(),
    ...{ served, asked, request },
  }
  if (!asked.fields.stream) return c.json((await wholeResponse(answer, frame)) ?? null)
  const begun = await answer.begun({ withinMilliseconds: headMilliseconds })
  const events = new ResponseEvents(frame)
  return eventStream(asking.record.streamed(events.of(answer)), {
    ...streamingTo(asking, options),
    commentAtOnce: !begun,
    named: { failure: (error) => events.failed(error) },
    onError,
  })
}

/** Undefined if the client has left meanwhile. */
async function wholeResponse(answer: Answering, frame: ResponseFrame): Promise<object | undefined> {
  const { served, messageId } = frame
  let text = ''
  const logprobs: ReturnType<typeof chatLogprobs>['content'] = []
  for await (const piece of given(answer, served)) {
    text += piece.text
    if (piece.scores) logprobs.push(...chatLogprobs(served.target.tokenizer, piece.scores).content)
  }
  if (!answer.ending) return undefined
  const status = answer.ending.finishReason === 'length' ? 'incomplete' : 'completed'
  const output = [messageItem(messageId, status, [outputText(text, logprobs)])]
  return responseObject(frame, { status, output, usage: usageOf([answer]), metrics: metricsOf([answer]) })
}

const newId = () => crypto.randomUUID().replaceAll('-', '')
