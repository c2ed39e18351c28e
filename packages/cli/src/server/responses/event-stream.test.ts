import { connect } from 'node:net'
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { ApiError } from '../api-error'
import { listen } from '../listen'
import { type EventStreamOptions, eventStream } from './event-stream'

const patient = { stallMilliseconds: 10_000, onLeave: () => {}, onError: () => {} }
const text = (objects: AsyncGenerator<object, void, undefined>, options: Partial<EventStreamOptions> = {}) =>
  eventStream(objects, { ...patient, ...options }).text()

describe('a stream of events', () => {
  it('is objects, each an event, and the mark of the end', async () => {
    const response = eventStream(
      (async function* () {
        yield { text: 'a\nb' }
        yield { text: 'c' }
      })(),
      patient,
    )
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(await response.text()).toBe('data: {"text":"a\\nb"}\n\ndata: {"text":"c"}\n\ndata: [DONE]\n\n')
  })

  it('tells of an error in an event: what the client may know, and nothing of what it may not', async () => {
    const errors: unknown[] = []
    const failing = (error: unknown) =>
      text(
        (async function* () {
          yield { text: 'a' }
          throw error
        })(),
        { onError: (error) => errors.push(error) },
      )
    const secret = new Error('cannot open /home/somebody/key')
    expect(await failing(secret)).toMatch(
      /"a"\}\n\ndata: \{"error":\{"message":"The server failed to answer[^\n]*\n\ndata: \[DONE\]\n\n$/,
    )
    expect(await failing(new ApiError(503, 'The server is stopping.'))).toContain('The server is stopping.')
    expect(errors[0]).toBe(secret)
  })

  it('asks for the next object when the one before has been taken, and says when the reader leaves', async () => {
    let made = 0
    const left: string[] = []
    const response = eventStream(
      (async function* () {
        for (;;) yield { number: ++made }
      })(),
      { ...patient, onLeave: (reason) => left.push(reason) },
    )
    const reader = response.body!.getReader()
    for (let i = 0; i < 5; i++) await reader.read()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(made).toBeLessThan(8)
    await reader.cancel()
    expect(left).toEqual(['closed'])
  })

  it('lets go of a reader behind a socket that takes nothing more', async () => {
    const app = new Hono<{ Bindings: HttpBindings }>()
    let made = 0
    let reason = ''
    const stalled = new Promise<void>((resolve) => {
      app.get('/', (c) => {
        const { outgoing } = c.env
        const megabyte = 'x'.repeat(1 << 20)
        const endless = (async function* () {
          for (;;) yield { number: ++made, megabyte }
        })()
        return eventStream(endless, {
          stallMilliseconds: 100,
          onError: () => {},
          onLeave(why) {
            reason ||= why
            outgoing.destroy()
            resolve()
          },
        })
      })
    })
    const listening = await listen(app, { host: '127.0.0.1', port: 0, deliveryMilliseconds: 1000 })
    const socket = connect(Number(new URL(listening.url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.pause()
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await stalled
    expect(reason).toBe('stalled')
    const then = made
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(made).toBe(then) // nothing more is made for it
    socket.destroy()
    await listening.close(Promise.resolve())
  })
})
