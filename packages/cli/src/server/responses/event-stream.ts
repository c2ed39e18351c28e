import { toApiError } from '../api-error'

export interface EventStreamOptions {
  /** Called when the reader has left, or has not taken anything for too long. */
  onLeave: (reason: 'closed' | 'stalled') => void
  /** Milliseconds that the reader may take for one event. */
  stallMilliseconds: number
  /** Told of errors that come while the stream runs. */
  onError: (error: unknown) => void
}

const utf8 = new TextEncoder()

/**
 * Objects as server-sent events, `[DONE]` at the end. The next object is asked for when the reader has taken the one before.
 * An error becomes an event, for the status has been sent.
 */
export function eventStream(objects: AsyncGenerator<object, void, undefined>, options: EventStreamOptions): Response {
  const { onLeave, stallMilliseconds, onError } = options
  let stalled: NodeJS.Timeout | undefined
  let left = false
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        clearTimeout(stalled)
        const event = (data: string) => controller.enqueue(utf8.encode(`data: ${data}\n\n`))
        try {
          const { done, value } = await objects.next()
          if (left) return
          event(done ? '[DONE]' : JSON.stringify(value))
          if (done) return controller.close()
        } catch (error) {
          if (left) return
          onError(error)
          event(JSON.stringify(toApiError(error)))
          event('[DONE]')
          return controller.close()
        }
        stalled = setTimeout(() => onLeave('stalled'), stallMilliseconds)
      },
      cancel() {
        left = true
        clearTimeout(stalled)
        onLeave('closed')
      },
    },
    // One event is ready before it is asked for, and no more: `pull` tells that the one before has been taken.
    { highWaterMark: 1 },
  )
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    },
  })
}
