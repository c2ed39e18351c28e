import { testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { ServerMetrics } from '../metrics/server-metrics'
import type { GenerationRequest } from '../requests/generation-request'
import type { Decoding } from './decoding'
import { Engine, type EngineOptions } from './engine'
import type { Job } from './job'

const request = (more: Partial<GenerationRequest> = {}): GenerationRequest => ({
  prompt: [1],
  maxTokens: 3,
  temperature: 0,
  topP: 1,
  topK: 0,
  seed: 0,
  seeded: false,
  stop: [],
  logProbabilities: undefined,
  draftLength: undefined,
  ...more,
})

/** Gives each job a token a step, when the test says so; notes what it was told. */
function manualDecoding({
  fits = () => true,
  fail,
}: {
  fits?: (request: GenerationRequest) => boolean
  fail?: Error
} = {}) {
  const jobs = new Set<Job>()
  const dropped: Job[] = []
  let go: (() => void) | undefined
  const decoding: Decoding = {
    get count() {
      return jobs.size
    },
    fits,
    growth: () => 0,
    trim() {},
    begin(job) {
      if (job.request.prompt.length === 0) throw new Error('no prompt')
      jobs.add(job)
    },
    async step() {
      if (jobs.size === 0) return
      await new Promise<void>((resolve) => (go = resolve))
      if (fail) throw fail
      for (const job of [...jobs]) {
        job.add({ tokens: [7], text: 'x' })
        if (job.tokens < job.request.maxTokens) continue
        jobs.delete(job)
        job.finish({ finishReason: 'length' })
      }
    },
    async drop(job) {
      jobs.delete(job)
      dropped.push(job)
    },
  }
  /** Lets so many steps happen. */
  const steps = async (count: number) => {
    for (let i = 0; i < count; i++) {
      while (!go) await new Promise((resolve) => setImmediate(resolve))
      const step = go
      go = undefined
      step()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  /** Lets steps happen until a job has ended. */
  const finish = async (job: Job) => {
    while (job.open) {
      go?.()
      go = undefined
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { decoding, jobs, dropped, steps, finish }
}

async function engineOf(options: Partial<EngineOptions> & Parameters<typeof manualDecoding>[0] = {}) {
  const manual = manualDecoding(options)
  const metrics = new ServerMetrics({ model: 'm', device: await testDevice(), longestDraft: 0 })
  const engine = new Engine({ decoding: manual.decoding, concurrency: 2, queueLimit: 2, metrics, ...options })
  return { engine, metrics, ...manual }
}

const text = async (job: Job) => {
  let text = ''
  for await (const piece of job) text += piece.text
  return text
}

describe('Engine', () => {
  it('decodes as many as it may, lets so many wait, and refuses the next with the time to come again', async () => {
    const { engine, steps, metrics } = await engineOf()
    const jobs = [1, 2, 3, 4].map(() => engine.submit(request()))
    expect(() => engine.submit(request())).toThrow(
      expect.objectContaining({ status: 429, headers: { 'retry-after': expect.stringMatching(/^[1-9]\d?$/) } }),
    )
    await steps(1)
    expect([engine.running, engine.waiting]).toEqual([2, 2])
    await steps(5)
    expect(await Promise.all(jobs.map(text))).toEqual(['xxx', 'xxx', 'xxx', 'xxx'])
    expect([engine.running, engine.waiting]).toEqual([0, 0])
    expect(metrics.figures()).toEqual({
      running: 0,
      waiting: 0,
      requests: 4,
      promptTokens: 4,
      generationTokens: 12,
      rejected: 1,
    })
    const later = engine.submit(request({ maxTokens: 1 })) // it wakes again
    await steps(1)
    expect(await text(later)).toBe('x')
  })

  it('begins in the order in which they came, even where a later one would fit', async () => {
    let room = 1
    const { engine, steps } = await engineOf({ fits: ({ maxTokens }) => maxTokens <= room })
    room = 5
    const first = engine.submit(request({ maxTokens: 2 }))
    await steps(1)
    room = 1
    const large = engine.submit(request({ maxTokens: 5 }))
    const small = engine.submit(request({ maxTokens: 1 }))
    await steps(1)
    expect(await text(first)).toBe('xx')
    expect([large.state, small.state]).toEqual(['waiting', 'waiting'])
    room = 5
    await steps(1)
    expect([large.state, small.state]).toEqual(['running', 'finished'])
    await steps(4)
    expect(await text(large)).toBe('xxxxx')
  })

  it('forgets who leaves: waiting, at once; running, between two steps', async () => {
    const { engine, steps, finish, dropped, jobs, metrics } = await engineOf({ concurrency: 1, queueLimit: 5 })
    const [running, waiting, next] = [1, 2, 3].map(() => engine.submit(request({ maxTokens: 2 })))
    await steps(1)
    waiting!.abort()
    expect(engine.waiting).toBe(1)
    running!.abort()
    await finish(next!)
    expect(dropped).toEqual([running])
    expect(await text(next!)).toBe('xx')
    expect(await text(running!)).toBe('')
    expect(jobs.size).toBe(0)
    expect(metrics.render()).toContain('finished_reason="abort"} 2')
  })

  it('fails the job that cannot begin, and no other', async () => {
    const { engine, steps } = await engineOf()
    const bad = engine.submit(request({ prompt: [] }))
    const good = engine.submit(request({ maxTokens: 1 }))
    await steps(1)
    await expect(text(bad)).rejects.toThrow('no prompt')
    expect(await text(good)).toBe('x')
  })

  it('fails everybody where decoding itself breaks, and goes on with who comes next', async () => {
    const broken = await engineOf({ fail: new Error('broken') })
    const job = broken.engine.submit(request())
    await broken.steps(1)
    await expect(text(job)).rejects.toThrow('broken')
    expect(broken.engine.running).toBe(0)
    const again = broken.engine.submit(request())
    await broken.steps(1)
    await expect(text(again)).rejects.toThrow('broken')
  })

  it('finishes what runs when it is to end, and refuses what waits and what comes', async () => {
    const { engine, steps } = await engineOf({ concurrency: 1 })
    const [running, waiting] = [1, 2].map(() => engine.submit(request()))
    await steps(1)
    const drained = engine.drain()
    await expect(text(waiting!)).rejects.toMatchObject({ status: 503 })
    expect(() => engine.submit(request())).toThrow(expect.objectContaining({ status: 503 }))
    await steps(2)
    await drained
    expect(await text(running!)).toBe('xxx')
  })
})
