import { type ApiError, toApiError } from '../api-error'

export interface EventStreamOptions {
  /** Called when the reader has left, or has not taken anything for too long. */
  onLeave: (reason: 'closed' | 'stalled') => void
  /** Milliseconds that the reader may take for one event. */
  stallMilliseconds: number
  /** Milliseconds without an event after which a comment is sent: proxies end connections on which nothing comes. */
  commentMilliseconds: number
  /** Whether a comment comes before the first event, which may take its time: some proxies hold back a head without a body. */
  commentAtOnce: boolean
  /**
   * Whether events bear the name that is their objects' `type`, without a mark of the end, and what tells of a failure then.
   * Default: they have no names.
   */
  named?: { failure: (error: ApiError) => object } | undefined
  /** Told of errors that come while the stream runs. */
  onError: (error: unknown) => void
}

const utf8 = new TextEncoder()
/** A line that readers of events pass over (WHATWG HTML §9.2.6). */
const comment = utf8.encode(': waiting\n\n')

/**
 * Objects as server-sent events, `[DONE]` at the end of those without names. The next object is asked for when the reader has taken the one before.
 * An error becomes an event, for the status has been sent.
 */
export function eventStream(objects: AsyncGenerator<object, void, undefined>, options: EventStreamOptions): Response {
  const { onLeave, stallMilliseconds, commentMilliseconds, commentAtOnce, named, onError } = options
  let stalled: ReturnType<typeof setTimeout> | undefined
  let silent: ReturnType<typeof setInterval> | undefined
  let left = false
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (commentAtOnce) controller.enqueue(comment)
      },
      async pull(controller) {
        clearTimeout(stalled)
        silent = setInterval(() => {
          // One that has not been taken says enough.
          if (controller.desiredSize! > 0) controller.enqueue(comment)
        }, commentMilliseconds)
        const write = (text: string) => controller.enqueue(utf8.encode(text))
        const event = (object: object) =>
          write(`${named ? `event: ${(object as { type: string }).type}\n` : ''}data: ${JSON.stringify(object)}\n\n`)
        const end = () => {
          if (!named) write('data: [DONE]\n\n')
          controller.close()
        }
        try {
          const { done, value } = await objects.next()
          if (left) return
          if (done) return end()
          event(value)
        } catch (error) {
          if (left) return
          onError(error)
          const told = toApiError(error)
          event(named ? named.failure(told) : told)
          return end()
        } finally {
          clearInterval(silent)
        }
        stalled = setTimeout(() => onLeave('stalled'), stallMilliseconds)
      },
      cancel() {
        left = true
        clearTimeout(stalled)
        clearInterval(silent)
        onLeave('closed')
      },
    },
    // One event is ready before it is asked for, and no more: `pull` tells that the one before has been taken.
    { highWaterMark: 1 },
  )
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      // A proxy that compresses would gather events before it sends them (RFC 9111 §5.2.2.6).
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    },
  })
}
