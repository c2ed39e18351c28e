import { readdirSync, readFileSync } from 'node:fs'
import { testData } from '@outrider/test-data'
import { directory, loadTokenizer, memoryDirectory, type Tokenizer } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { type GeneratedRow, generateDataset } from '../generate/generate-dataset'
import { rows } from '../sources/rows'
import type { Scored } from '../top-tokens/score-dataset'
import { openAiTarget } from './openai-target'

/** What an engine was asked, and what it answered: recorded by `npm run engines -- --record`, or as its documents show it. */
interface Recording {
  engine: string
  version: string
  exchanges: { path: string; body: Record<string, unknown>; status: number; answer: unknown }[]
}

/** Logits after the prompt, and greedy ids, in float64. */
interface Case {
  prompt: string
  ids: number[]
  lastLogits: number[]
  greedy: number[]
  text: string
}

const recordings = readdirSync(testData('endpoints'))
  .filter((file) => file.endsWith('.json'))
  .map((file): Recording => JSON.parse(readFileSync(testData(`endpoints/${file}`), 'utf8')))

let tokenizer: Tokenizer
let known: Case
beforeAll(async () => {
  tokenizer = (await loadTokenizer(directory(testData('stories260K')))).tokenizer
  const { cases } = JSON.parse(readFileSync(testData('stories260K/reference.json'), 'utf8')) as { cases: Case[] }
  known = cases.find(({ prompt }) => prompt === 'Once upon a time')!
})

/** What decides an answer: other fields may come and go. */
const deciding = ['messages', 'prompt', 'content', 'input', 'input_ids', 'max_tokens', 'prompt_logprobs', 'logprobs']

/** An engine that says what was recorded, and has nothing else. */
const replay = ({ exchanges }: Recording): typeof fetch => {
  const key = (path: string, body: Record<string, unknown>) =>
    JSON.stringify([path, ...[...deciding, 'n_probs', 'top_logprobs_num'].map((field) => body[field] ?? null)])
  const known = new Map(exchanges.map((one) => [key(one.path, one.body), one]))
  return async (url, init) => {
    const found = known.get(key(new URL(String(url)).pathname, JSON.parse(String(init?.body))))
    return found
      ? Response.json(found.answer, { status: found.status })
      : Response.json({ detail: 'Not Found' }, { status: 404 })
  }
}

const target = (recording: Recording, fetch = replay(recording)) =>
  openAiTarget({
    ...{ baseUrl: 'http://engine:8000/v1', model: 'stories', tokenizer, retries: 1, backoffSeconds: 0.001 },
    fetch,
  })

/** What it thinks of the first greedy tokens. */
async function thinks(recording: Recording, k: number, fetch?: typeof globalThis.fetch) {
  const tokens = [...known.ids, ...known.greedy.slice(0, 6)]
  const row = { tokens, lossMask: tokens.map((_, i) => (i < known.ids.length ? 0 : 1)) }
  const found: Scored<typeof row>[] = []
  for await (const one of target(recording, fetch).topTokens([row], { k, concurrency: 1 })) found.push(one)
  return found[0]!.answer!
}

describe.each(
  recordings.map((recording): [string, Recording] => [`${recording.engine} ${recording.version}`, recording]),
)('%s', (_, recording) => {
  it('answers as a float64 reference does', async () => {
    const out = { directory: memoryDirectory(), file: 'answer.jsonl' }
    await generateDataset({
      target: target(recording),
      seeds: rows([{ kind: 'conversation', messages: [{ role: 'user', content: known.prompt }], metadata: {} }]),
      ...{ temperatures: [0], topP: 1, maxTokens: 12, batchSize: 1, out },
    })
    const row = JSON.parse(new TextDecoder().decode(await out.directory.read(out.file))) as GeneratedRow
    const greedy = known.greedy.slice(0, 12)
    expect(row.messages[1]!.content.trim()).toBe(tokenizer.decode(greedy).trim())
    expect(row.finish_reason).toBe('length')
    if (row.completion_ids) expect(row.completion_ids).toEqual(greedy)
    expect(row.completion_ids !== undefined).toBe(recording.engine === 'vllm')
  })

  it('thinks what the reference does, to a thousandth', async () => {
    const { ids, logProbabilities, logRest } = await thinks(recording, 4)
    const sum = known.lastLogits.reduce((sum, z) => sum + Math.exp(z), 0)
    const logQ = known.lastLogits.map((z) => z - Math.log(sum))
    const order = [...logQ.keys()].sort((a, b) => logQ[b]! - logQ[a]!)
    expect([...ids.subarray(0, 4)]).toEqual(order.slice(0, 4))
    for (const [j, id] of order.slice(0, 4).entries())
      expect(Math.abs(logProbabilities[j]! - logQ[id]!)).toBeLessThan(1e-3)
    const rest = order.slice(4).reduce((sum, id) => sum + Math.exp(logQ[id]!), 0)
    expect(Math.exp(logRest[0]!)).toBeCloseTo(rest, 3)
    // Greedy tokens are the likeliest in their places.
    expect(known.greedy.slice(0, 6)).toEqual([0, 1, 2, 3, 4, 5].map((place) => ids[place * 4]))
  })
})

describe('what is not what was asked for', () => {
  const recorded = (engine: string) => structuredClone(recordings.find((one) => one.engine === engine)!)

  it('is refused by vLLM for its limit, which is said, and nothing of the routes that it does not have', async () => {
    await expect(thinks(recorded('vllm'), 64)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: /64 likeliest.*HTTP 400: .*max allowed: 20(?!.*404).*--max-logprobs 64/,
    })
  })

  it('is refused where tokens are named without their spaces: they would be taken for others', async () => {
    const hosted = recorded('hosted completions')
    const trimmed = JSON.parse(JSON.stringify(hosted.exchanges).replace(/" (\w+)"/g, '"$1"'))
    await expect(thinks({ ...hosted, exchanges: trimmed }, 4)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: /names token 407 of the prompt "upon", and its text is " upon"/,
    })
  })

  it('is refused where the first tokens are missing, and where a place has too few', async () => {
    const sglang = JSON.stringify(recorded('sglang'))
    const shorter = JSON.parse(sglang.replaceAll('"input_top_logprobs":[null,', '"input_top_logprobs":['))
    await expect(thinks(shorter, 4)).rejects.toThrow(/log-probabilities of 5 tokens, of a prompt of 6/)
    const llama: Recording = recorded('llama-server')
    for (const { answer } of llama.exchanges) {
      const places = (answer as { completion_probabilities?: { top_logprobs: unknown[] }[] }).completion_probabilities
      places?.[0]?.top_logprobs.pop()
    }
    await expect(thinks(llama, 4)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: /of 3 tokens in a place, and 4/,
    })
  })

  it('is refused where a text is read without the mark that begins it: rows are then a token late', async () => {
    const llama = JSON.stringify(recorded('llama-cpp-python'))
    const unmarked = JSON.parse(llama.replaceAll('"tokens":[1,', '"tokens":['))
    await expect(thinks(unmarked, 4)).rejects.toThrow(/makes other tokens of the text/)
    const late = JSON.parse(llama.replaceAll('"tokens":[" Once",', '"tokens":["<s>"," Once",'))
    await expect(thinks(late, 4)).rejects.toThrow(/names token 403 of the prompt "<s>", and its text is " Once"/)
  })

  it('is no refusal by an engine that fails once: it is asked again in the same way', async () => {
    const said = replay(recorded('vllm'))
    let fails = true
    const failing: typeof fetch = async (url, init) => {
      if (!String(url).endsWith('/v1/completions') || !fails) return said(url, init)
      fails = false
      return new Response('Oh', { status: 500 })
    }
    expect(await thinks(recorded('vllm'), 4, failing)).toEqual(await thinks(recorded('vllm'), 4))
    expect(fails).toBe(false)
  })

  it('is refused by an engine that fails whenever it is given ids', async () => {
    const said = replay(recorded('vllm'))
    const failing: typeof fetch = async (url, init) =>
      String(url).endsWith('/v1/completions') ? new Response('Oh', { status: 500 }) : said(url, init)
    await expect(thinks(recorded('vllm'), 4, failing)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: /prompt_logprobs of .completions: HTTP 500: Oh/,
    })
  })
})
