import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { SpeculativeDecoder } from '@outrider/speculative'
import type { Device } from '@outrider/tensor'
import type { PretrainedModel } from '@outrider/transformer'
import { createServer, type OutriderServer } from './index'
import { eventually } from './server.fixture'

/** How many ids two texts begin with in common. */
export function commonLength(a: readonly number[], b: readonly number[]): number {
  const differs = a.findIndex((id, i) => id !== b[i])
  return differs < 0 ? a.length : differs
}

export interface PrefixSoakResult {
  /** Whole answers that were those without reuse. */
  right: number
  /** Requests whose clients left. */
  aborted: number
  wrong: string[]
  /** Tokens of prompts, and those of them that did not have to be read. */
  queries: number
  hits: number
  /** The most that prefixes took, and were allowed. */
  mostBytes: number
  maxBytes: number
  /** Bytes of prefixes that were read and are no longer kept. */
  forgotten: number
  /** Bytes on the device after the server has closed, less those before it began. */
  heldAfterwards: number
  /**
   * What was in use after each tenth of the requests, MiB: of the heap, once it is collected, of the process, and free in the device's
   * pool. And the bind groups that were made so far: the device keeps up to 16,384 of them, which take a third of a KiB of the heap each.
   */
  memory: { heap: number; process: number; pool: number; bindGroups: number }[]
}

/** Conversations of one of four beginnings, of 70 to 200 tokens, and of as many turns as lead to it. */
function promptOf(which: number): number[] {
  const ids = (length: number, stream: number) => Array.from({ length }, (_, i) => 5 + ((i * 7 + 31 * stream) % 500))
  const turns = [...Array(which % 3).keys()].flatMap((turn) => ids(45, 10 + which + turn))
  return [...ids(66 + 20 * (which % 4), which % 4), ...turns, 5 + which]
}

/**
 * Asks a server with a bound that holds about half of what is asked: 16 clients at once, each answer compared with the one that it has
 * alone, where nothing is kept. A third of them is not drafted for. Every tenth client leaves while it waits.
 */
export async function prefixSoak({
  target,
  drafter,
  requests,
}: {
  target: PretrainedModel
  drafter: PretrainedModel
  requests: number
}): Promise<PrefixSoakResult> {
  const { device } = target.model
  const before = device.memory.liveBytes
  const bodies = Array.from({ length: 24 }, (_, which) => ({
    prompt: promptOf(which),
    max_tokens: 1 + (which % 4),
    temperature: which % 2 ? 0.8 : 0,
    top_p: 1,
    seed: which,
    draft_length: [0, 2, 4][which % 3]!,
  }))
  const expected: string[] = []
  for (const { prompt, max_tokens: maxTokens, temperature, seed, draft_length: draftLength } of bodies) {
    const decoder = new SpeculativeDecoder({ target, drafter, draftLength })
    expected.push((await decoder.generate(prompt, { maxTokens, temperature, seed }).result).text)
  }

  const cache = target.model.createCache({ capacity: 64 })
  cache.advance([64])
  const block = cache.copyBlock!(0, 0, 64)
  // Of the draft, whose layers are fewer, a block takes less.
  const maxBytes = 14 * block.bytes
  block.dispose()
  cache.dispose()
  const server = createServer({ target, drafter, warmUp: false, queueLimit: 64, prefixCacheBytes: maxBytes })
  await server.ready
  const result = { right: 0, aborted: 0, wrong: [] as string[] }
  let [next, mostBytes] = [0, 0]
  const memory: PrefixSoakResult['memory'] = []
  const visit = async () => {
    for (let n = next++; n < requests; n = next++) {
      const which = (n * 7 + Math.floor(n / 24)) % bodies.length
      const leaving = new AbortController()
      if (n % 10 === 9) setTimeout(() => leaving.abort(), n % 7)
      const answer = await answerOf(server, bodies[which]!, leaving.signal)
      if (leaving.signal.aborted) result.aborted++
      else if (answer === expected[which]) result.right++
      else result.wrong.push(`request ${n}: ${JSON.stringify(answer)} in place of ${JSON.stringify(expected[which])}`)
      mostBytes = Math.max(mostBytes, (await figures(server)).bytes)
      if (n % Math.ceil(requests / 10) === 0) memory.push(memoryOf(device))
    }
  }
  await Promise.all(Array.from({ length: 16 }, visit))
  await eventually('nothing runs', () => server.engine.running + server.engine.waiting === 0)
  const { queries, hits, bytes } = await figures(server)
  await server.close()
  return {
    ...result,
    ...{ queries, hits, mostBytes, maxBytes },
    forgotten: ((queries - hits) / 64) * (maxBytes / 14) - bytes,
    heldAfterwards: device.memory.liveBytes - before,
    memory,
  }
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function memoryOf({ memory: { pooledBytes }, counters: { bindGroups } }: Device): PrefixSoakResult['memory'][number] {
  collectGarbage()
  const { heapUsed, rss } = process.memoryUsage()
  const [heap, whole, pool] = [heapUsed, rss, pooledBytes].map((bytes) => Math.round((10 * bytes) / 2 ** 20) / 10)
  return { heap: heap!, process: whole!, pool: pool!, bindGroups }
}

async function answerOf({ app }: OutriderServer, body: object, signal?: AbortSignal): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const request = { method: 'POST', headers, body: JSON.stringify(body), ...(signal && { signal }) }
  const response = await app.request('/v1/completions', request)
  const text = await response.text()
  return response.ok && text !== '' ? JSON.parse(text)?.choices?.[0]?.text : `${response.status} ${text}`
}

async function figures({ app }: OutriderServer): Promise<{ queries: number; hits: number; bytes: number }> {
  const text = await (await app.request('/metrics')).text()
  const value = (name: string) => Number(new RegExp(`^${name}{.*} (.*)$`, 'm').exec(text)![1])
  return {
    queries: value('vllm:prefix_cache_queries_total'),
    hits: value('vllm:prefix_cache_hits_total'),
    bytes: value('outrider:prefix_cache_bytes'),
  }
}
