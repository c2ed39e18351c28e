import type { Answering } from '../answering'
import type { ApiError } from '../api-error'
import { given, metricsOf, usageOf } from '../responses/answer'
import { chatLogprobs } from '../responses/logprobs'
import { messageItem, outputText, type ResponseFrame, type ResponseState, responseObject } from './response-object'

/** The events of a streamed response, numbered. */
export class ResponseEvents {
  readonly #frame: ResponseFrame
  #count = 0

  constructor(frame: ResponseFrame) {
    this.#frame = frame
  }

  /** In their order; after the last text comes what it is in all. */
  async *of(answer: Answering): AsyncGenerator<object, void, undefined> {
    const { messageId, served } = this.#frame
    const place = { item_id: messageId, output_index: 0, content_index: 0 }
    const begun: ResponseState = { status: 'in_progress', output: [] }
    yield this.#response('response.created', begun)
    yield this.#response('response.in_progress', begun)
    const item = messageItem(messageId, 'in_progress', [])
    yield this.#event('response.output_item.added', { output_index: 0, item })
    yield this.#event('response.content_part.added', { ...place, part: outputText('') })
    let text = ''
    const logprobs: ReturnType<typeof chatLogprobs>['content'] = []
    for await (const piece of given(answer, served)) {
      text += piece.text
      const more = piece.scores ? chatLogprobs(served.target.tokenizer, piece.scores).content : []
      logprobs.push(...more)
      yield this.#event('response.output_text.delta', { ...place, delta: piece.text, logprobs: more })
    }
    if (!answer.ending) return
    const status = answer.ending.finishReason === 'length' ? 'incomplete' : 'completed'
    const whole = messageItem(messageId, status, [outputText(text, logprobs)])
    yield this.#event('response.output_text.done', { ...place, text, logprobs })
    yield this.#event('response.content_part.done', { ...place, part: outputText(text, logprobs) })
    yield this.#event('response.output_item.done', { output_index: 0, item: whole })
    const ended = { status, output: [whole], usage: usageOf([answer]), metrics: metricsOf([answer]) } as const
    yield this.#response(`response.${status}`, ended)
  }

  /** The last event of a response that failed meanwhile. */
  failed({ message }: ApiError): object {
    return this.#response('response.failed', {
      status: 'failed',
      output: [],
      error: { code: 'server_error', message },
    })
  }

  #response(type: string, state: ResponseState): object {
    return this.#event(type, { response: responseObject(this.#frame, state) })
  }

  #event(type: string, more: object): object {
    return { type, sequence_number: this.#count++, ...more }
  }
}
