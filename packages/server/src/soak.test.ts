import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { behindAnotherServer, chatServer, eventually, metric, shallow, tinyChat } from './server.fixture'
import { answersAlone, answersOfServer, soak, soakRequests } from './soak.fixture'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes that are in use, not only not collected yet. */
function heapInUse(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

/** `OUTRIDER_SOAK_SECONDS=60 npx vitest run soak` lets them ask for a minute, and prints what became of it. */
const seconds = Number(process.env.OUTRIDER_SOAK_SECONDS ?? 0)
const clients = 64

describe('64 clients at once', () => {
  it(
    'each have their own answer, the one they have alone; none is lost, and nothing is held afterwards',
    async () => {
      const target = await tinyChat()
      const device = await testDevice()
      const requests = soakRequests(32, seconds > 0 ? 40 : 12)
      const expected = await answersAlone(target, requests)
      const server = await chatServer({ queueLimit: clients })
      const before = device.memory.liveBytes
      const began = performance.now()
      const heap: number[] = []
      const sampling = setInterval(() => heap.push(heapInUse()), 5000)
      const more = (round: number) => (seconds > 0 ? performance.now() - began < seconds * 1000 : round < 2)
      const { right, aborted, wrong } = await soak(server, requests, expected, { clients, more })
      clearInterval(sampling)
      const elapsed = (performance.now() - began) / 1000
      expect(wrong).toEqual([])
      expect(aborted).toBeGreaterThan(0)
      if (seconds === 0) expect(right + aborted).toBe(2 * clients)
      await eventually('nothing runs', () => server.engine.running + server.engine.waiting === 0)
      await eventually('the device holds what it held before', () => device.memory.liveBytes === before)
      const ended = ['stop', 'length', 'abort'].map((reason) =>
        metric(server, 'vllm:request_success_total', `finished_reason="${reason}"`),
      )
      const [stop, length, abort] = await Promise.all(ended)
      // Who breaks off during the last token has been answered in full, as the server sees it.
      expect(stop! + length! + abort!).toBe(right + aborted)
      expect(stop! + length!).toBeGreaterThanOrEqual(right)
      expect(await metric(server, 'vllm:request_success_total', 'finished_reason="error"')).toBe(0)
      if (seconds > 0) {
        const tokens = await metric(server, 'vllm:generation_tokens_total')
        const mebibytes = heap.map((bytes) => (bytes / 2 ** 20).toFixed(1))
        console.log(
          `${right} right, ${aborted} broken off, ${wrong.length} wrong in ${elapsed.toFixed(0)} s; ${(tokens / elapsed).toFixed(0)} tokens/s; heap in MiB: ${mebibytes.join(' ')}; bytes on the device ${before} before, ${device.memory.liveBytes} after, ${device.memory.peakBytes} at most`,
        )
        const [middle, last] = [heap[Math.floor(heap.length / 2)]!, heap.at(-1)!]
        expect(last).toBeLessThan(middle + 2 * 2 ** 20)
      }
      await server.close()
    },
    (seconds + 120) * 1000,
  )

  it.each(['ours', 'another'])(
    'leave nothing of a request behind, however it ends; the HTTP server is %s',
    async (whose) => {
      const server = await (whose === 'ours'
        ? chatServer({ queueLimit: clients, warmUp: true })
        : behindAnotherServer())
      const jobs: WeakRef<object>[] = []
      const submit = server.engine.submit.bind(server.engine)
      server.engine.submit = (request) => {
        const job = submit(request)
        jobs.push(new WeakRef(job))
        return job
      }
      const requests = soakRequests(8, 4)
      await soak(server, requests, [], { clients: 16, more: (round) => round < 2 })
      expect(jobs).toHaveLength(32)
      await eventually('all of it is collected', () => {
        collectGarbage()
        return jobs.every((job) => job.deref() === undefined)
      })
      await server.close()
    },
  )

  it('share a draft, and each have the answer that they have alone', async () => {
    const target = await tinyChat()
    const device = await testDevice()
    const requests = soakRequests(16, 8)
    const server = await chatServer({ drafter: shallow(target, 9), draftLength: 'auto', queueLimit: clients })
    const before = device.memory.liveBytes
    const alone = await answersOfServer(server, requests)
    const { right, aborted, wrong } = await soak(server, requests, alone, { clients, more: (round) => round < 1 })
    expect(wrong).toEqual([])
    expect(right + aborted).toBe(clients)
    await eventually('the device holds what it held before', () => device.memory.liveBytes === before)
    await server.close()
  })
})
