import { describe, expect, it } from 'vitest'
import { ApiError } from '../api-error'
import { Passes } from './passes'

const stopping = new ApiError(503, 'The server is stopping.', { code: 'stopping' })
const nobodyLeaves = new AbortController().signal

/** Passes of a server that can be closed, and work that ends when it is told to. */
function passing({ queueLimit = 1, ready = Promise.resolve() as Promise<unknown> } = {}) {
  let closed: ApiError | undefined
  const passes = new Passes({ ready, queueLimit, closed: () => closed })
  const ends: (() => void)[] = []
  const work = (signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => {
      ends.push(() => resolve('done'))
      signal.addEventListener('abort', () => reject(new Error('broken off')))
    })
  return { passes, ends, run: (signal = nobodyLeaves) => passes.run(work, signal), close: () => (closed = stopping) }
}

const turns = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

describe('passes over texts', () => {
  it('are computed one after another, once the server is warm; one that fails holds up none', async () => {
    let warm = () => {}
    const { run, ends } = passing({ ready: new Promise<void>((resolve) => (warm = resolve)), queueLimit: 2 })
    const leaving = new AbortController()
    const [first, second] = [run(leaving.signal), run()]
    await turns()
    expect(ends).toHaveLength(0)
    warm()
    await turns()
    expect(ends).toHaveLength(1)
    leaving.abort()
    await expect(first).rejects.toThrow('broken off')
    await turns()
    ends[1]!()
    expect(await second).toBe('done')
  })

  it('beyond one that runs and those that may wait are refused, until there is room', async () => {
    const { run, ends } = passing()
    const both = [run(), run()]
    await expect(run()).rejects.toMatchObject({ status: 429, code: 'queue_full' })
    await turns()
    ends[0]!()
    await both[0]
    const third = run()
    await turns()
    ends[1]!()
    await turns()
    ends[2]!()
    expect(await Promise.all([both[1], third])).toEqual(['done', 'done'])
  })

  it('of a server that stops end in order: what runs to its end or until it is broken off, and nothing after it', async () => {
    const { passes, run, close } = passing()
    const [running, waiting] = [run(), run()]
    await turns()
    close()
    await expect(run()).rejects.toBe(stopping)
    passes.breakOff()
    await expect(running).rejects.toBe(stopping)
    await expect(waiting).rejects.toBe(stopping)
    await passes.drain()
  })
})
