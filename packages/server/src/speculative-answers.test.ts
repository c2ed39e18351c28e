import { AnswerTable, answerLookup, type Drafter, firstOf, modelDrafter, promptLookup } from '@outrider/speculative'
import { generate } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ListeningServer } from './node/start-server'
import { chatServer, metric, post, shallow, tinyChat } from './server.fixture'

let server: ListeningServer
beforeAll(async () => {
  server = await chatServer({ drafter: await drafter() })
})
afterAll(() => server?.close())

/** Nine layers of twelve, said to be small, so that drafting seems to pay. */
async function drafter(): Promise<Drafter> {
  return { ...modelDrafter(shallow(await tinyChat(), 9).model), parameterCount: 10_000 }
}

const messages = [{ role: 'user' as const, content: 'Tell me a story about a fox and a kite.' }]
const path = '/v1/chat/completions'

/** What the server says of an answer, whole. */
async function whole(request: object, on = server) {
  const { choices, usage, metrics } = (await post(on, path, { messages, ...request })).json()
  return { text: choices[0].message.content, usage, speculation: metrics.speculative_decoding }
}

/** The same of a stream, and how often a piece came. */
async function streamed(request: object, includeUsage: boolean) {
  const more = { stream: true, stream_options: { include_usage: includeUsage } }
  const { text: events } = await post(server, path, { messages, ...request, ...more })
  const chunks = events
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'))
    .map((event) => JSON.parse(event.slice(6)))
  const told = chunks.find(({ metrics }) => metrics)
  return {
    text: chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''),
    usage: chunks.find(({ usage }) => usage)?.usage,
    speculation: told.metrics.speculative_decoding,
  }
}

describe('the figures of an answer', () => {
  it('are of the tokens that were delivered, however it ends within a block, whole or streamed', async () => {
    const target = await tinyChat()
    const greedy = (options: object) => generate(target, messages, options).result
    const { text } = await greedy({ maxTokens: 40 })
    const [early, late] = [text.slice(9, 12), text.slice(-25, -20)]
    for (const [asked, options] of [
      [{ max_tokens: 18 }, { maxTokens: 18 }],
      [
        { max_tokens: 40, stop: early },
        { maxTokens: 40, stop: [early] },
      ],
      [
        { max_tokens: 40, stop: [late, 'never'] },
        { maxTokens: 40, stop: [late, 'never'] },
      ],
      [{}, { maxTokens: 200 }],
    ] as const) {
      const expected = await greedy(options)
      const tokens = expected.tokens.length
      const request = { temperature: 0, draft_length: 6, ...asked }
      const counted = await metric(server, 'vllm:generation_tokens_total')
      const answers = [await whole(request), await streamed(request, true), await streamed(request, false)]
      expect(await metric(server, 'vllm:generation_tokens_total')).toBe(counted + 3 * tokens)
      for (const { text, usage, speculation } of answers) {
        expect(text).toBe(expected.text)
        if (usage) expect(usage.completion_tokens).toBe(tokens)
        // The first token comes with the prompt's pass.
        expect(speculation.num_delivered_tokens).toBe(tokens - 1)
        expect(speculation.block_efficiency).toBe((tokens - 1) / speculation.num_target_passes)
        const { acceptance_histogram: blocks, num_accepted_tokens: accepted } = speculation
        expect(sum(blocks)).toBe(speculation.num_drafts)
        expect(sum(blocks.map((count: number, length: number) => count * length))).toBe(accepted)
        expect(sum(speculation.num_accepted_tokens_per_pos)).toBe(accepted)
        const plain = speculation.num_target_passes - speculation.num_drafts
        expect(speculation.num_delivered_tokens - plain).toBeLessThanOrEqual(accepted + speculation.num_drafts)
      }
      // What they count is not only right, but of drafts that were too long for what was left.
      expect(answers[0]!.speculation.num_draft_tokens).toBeGreaterThan(answers[0]!.speculation.num_accepted_tokens)
    }
  })
})

const sum = (counts: number[]) => counts.reduce((a, b) => a + b, 0)

describe('a request with a seed', () => {
  const request = { seed: 21, temperature: 1.1, top_p: 0.95, max_tokens: 36 }

  it('has the same answer alone, among others on a busy machine, and from another server', async () => {
    const alone = await whole(request)
    expect(alone.speculation.num_drafts).toBeGreaterThan(0)
    let working = true
    const load = (async () => {
      while (working) {
        for (const until = performance.now() + 15; performance.now() < until; );
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 3))
      }
    })()
    const others = [0, 1, 2].map((i) =>
      post(server, path, { messages, temperature: i / 4, max_tokens: 30, ...(i % 2 && { draft_length: i }) }),
    )
    const [among, asked] = await Promise.all([whole(request), whole({ ...request, draft_length: 'auto' })])
    working = false
    await Promise.all([load, ...others])
    const again = await chatServer({ drafter: await drafter() })
    const restarted = await whole(request, again)
    await again.close()
    for (const other of [among, asked, restarted]) {
      expect(other.text).toBe(alone.text)
      expect(other.speculation.acceptance_histogram).toEqual(alone.speculation.acceptance_histogram)
    }
  })
})

it("answers the same where drafts stop by costs: with its own γ, a request's, and with a seed, where no clock counts", async () => {
  const target = await tinyChat()
  const stopping = await chatServer({ drafter: modelDrafter(shallow(target, 1).model), draftStop: 'auto' })
  try {
    const request = { temperature: 0, max_tokens: 12 }
    const { text } = await generate(target, messages, { maxTokens: 12 }).result
    for (const asked of [{}, { draft_length: 3 }]) {
      const answer = await whole({ ...request, ...asked }, stopping)
      expect(answer.text).toBe(text)
      expect(answer.speculation.stop_saving_rate).toEqual(expect.any(Number))
    }
    const { speculation } = await whole({ ...request, temperature: 1, seed: 1, draft_length: 3 }, stopping)
    expect(speculation.num_drafts).toBeGreaterThan(0)
    expect(speculation.stop_chosen_rate).toBe(0)
  } finally {
    await stopping.close()
  }
})

describe('a server that looks up', () => {
  it('counts by who drafted, beside all, and says of each answer who did', async () => {
    const looking = await chatServer({ drafter: firstOf(promptLookup(), await drafter()), draftLength: 3 })
    try {
      const { speculation } = await whole({ temperature: 0, max_tokens: 40 }, looking)
      expect(speculation.drafters.map(({ drafter }: { drafter: string }) => drafter)).toContain('prompt')
      for (const { drafter, num_drafts, num_draft_tokens, num_accepted_tokens } of speculation.drafters) {
        const counted = (name: string) => metric(looking, `outrider:${name}_total`, `drafter="${drafter}"`)
        expect(await counted('drafts')).toBe(num_drafts)
        expect(await counted('draft_tokens')).toBe(num_draft_tokens)
        expect(await counted('accepted_tokens')).toBe(num_accepted_tokens)
      }
      expect(await metric(looking, 'vllm:spec_decode_num_drafts_total')).toBe(speculation.num_drafts)
    } finally {
      await looking.close()
    }
  })

  it('tells of answers in tokens, and drafts for a seed from what is given for it', async () => {
    const target = await tinyChat()
    const table = new AnswerTable(target.tokenizer)
    const answered: number[][] = []
    const looking = await chatServer({
      drafter: answerLookup(table),
      reproducibleDrafter: promptLookup(),
      draftLength: 3,
      onAnswer: ({ prompt, tokens }) => {
        expect(prompt.length).toBeGreaterThan(0)
        answered.push([...tokens])
        table.add(tokens)
      },
    })
    try {
      const drafters = async (request: object) => {
        const { speculation } = await whole({ temperature: 0, max_tokens: 24, ...request }, looking)
        return speculation.drafters.map(({ drafter }: { drafter: string }) => drafter)
      }
      const { tokens } = await generate(target, messages, { maxTokens: 24 }).result
      expect(await drafters({})).toEqual([])
      expect(answered).toEqual([tokens])
      expect(await drafters({})).toEqual(['answers'])
      expect(await drafters({ seed: 1, temperature: 0.01 })).not.toContain('answers')
      // Decoded in the batch, without a draft.
      await post(looking, path, { messages, temperature: 0, max_tokens: 24, draft_length: 0 })
      expect(answered[3]).toEqual(tokens)
    } finally {
      await looking.close()
    }
  })
})
