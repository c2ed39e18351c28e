import type { Context } from 'hono'
import type { Answering } from '../answering'

/** What is known of a request from its head to the end of its answer. */
export class RequestRecord {
  /** The client's name for it, or one of ours. */
  readonly id: string
  /** Of the trace that it belongs to (W3C Trace Context), if it said so. */
  readonly traceId: string | undefined
  /** The name of the key that it came with. */
  keyName: string | undefined
  /** What is generated for it. */
  answers: readonly Answering[] = []
  /** Tokens read for it where nothing is generated. */
  promptTokens: number | undefined
  /** Whether the client left before its answer had ended. */
  left = false
  #listeners: (() => void)[] = []
  #streams = false
  #ended = false

  constructor(headers: Headers) {
    const named = headers.get('x-request-id') ?? ''
    this.id = /^[\w.:+/=-]{1,128}$/.test(named) ? named : `req_${crypto.randomUUID().replaceAll('-', '')}`
    this.traceId = traceOf(headers.get('traceparent') ?? '')
  }

  /** Whether its answer goes on when its head has been sent. */
  get streams(): boolean {
    return this.#streams
  }

  /** Called once, when all of its answer has been made, or nobody waits for it any more. */
  onEnd(listener: () => void): void {
    if (this.#ended) listener()
    else this.#listeners.push(listener)
  }

  end(): void {
    this.#ended = true
    for (const listener of this.#listeners.splice(0)) listener()
  }

  /** The client waits no more. */
  leave(): void {
    this.left = true
    this.end()
  }

  /** The objects of a stream, whose end is its own. */
  streamed<T>(objects: AsyncGenerator<T, void, undefined>): AsyncGenerator<T, void, undefined> {
    this.#streams = true
    return this.#untilEnd(objects)
  }

  async *#untilEnd<T>(objects: AsyncGenerator<T, void, undefined>): AsyncGenerator<T, void, undefined> {
    try {
      yield* objects
    } finally {
      this.end()
    }
  }
}

/** The id of a trace, of `00-<32 hex digits>-<16 hex digits>-<flags>`; all zeros are none. */
function traceOf(traceparent: string): string | undefined {
  const id = /^(?!ff)[\da-f]{2}-([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(-|$)/.exec(traceparent)?.[1]
  return id && /[^0]/.test(id) ? id : undefined
}

const records = new WeakMap<Context, RequestRecord>()

/** The record of a request, the same wherever it is asked for, whatever has read its body and put another in its place. */
export function recordOf(c: Context): RequestRecord {
  const known = records.get(c) ?? new RequestRecord(c.req.raw.headers)
  records.set(c, known)
  return known
}
