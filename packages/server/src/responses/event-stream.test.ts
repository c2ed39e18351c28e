import { connect } from 'node:net'
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { ApiError } from '../api-error'
import { listen } from '../node/listen'
import { type EventStreamOptions, eventStream } from './event-stream'

const patient = {
  stallMilliseconds: 10_000,
  commentMilliseconds: 10_000,
  commentAtOnce: false,
  onLeave: () => {},
  onError: () => {},
}
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

  it('asks proxies to pass it on as it comes', () => {
    const { headers } = eventStream((async function* () {})(), patient)
    expect(headers.get('cache-control')).toBe('no-cache, no-transform')
    expect(headers.get('x-accel-buffering')).toBe('no')
  })

  it('has comments where nothing else comes: before the first event if that is wanted, and after each time of silence', async () => {
    let go = () => {}
    const objects = (async function* () {
      for (const number of [1, 2]) {
        await new Promise<void>((resolve) => (go = resolve))
        yield { number }
      }
    })()
    const options = { ...patient, commentMilliseconds: 20, commentAtOnce: true }
    const reader = eventStream(objects, options).body!.pipeThrough(new TextDecoderStream()).getReader()
    const next = async () => (await reader.read()).value
    for (const number of [1, 2]) {
      expect(await next()).toBe(': waiting\n\n')
      expect(await next()).toBe(': waiting\n\n')
      go()
      let event = await next()
      while (event === ': waiting\n\n') event = await next()
      expect(event).toBe(`data: {"number":${number}}\n\n`)
    }
    expect(await next()).toBe('data: [DONE]\n\n')
    expect((await reader.read()).done).toBe(true)
  })

  it('does not heap up comments for a reader who takes none', async () => {
    let go = () => {}
    const objects = (async function* () {
      await new Promise<void>((resolve) => (go = resolve))
      yield { number: 1 }
    })()
    const response = eventStream(objects, { ...patient, commentMilliseconds: 2 })
    await new Promise((resolve) => setTimeout(resolve, 60))
    go()
    expect(await response.text()).toBe(': waiting\n\ndata: {"number":1}\n\ndata: [DONE]\n\n')
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
          ...patient,
          stallMilliseconds: 100,
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
