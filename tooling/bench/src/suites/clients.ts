import { createServer, type ServerOptions } from '@outrider/server'
import { Decoder, type PretrainedModel, pretrainedModel } from '@outrider/transformer'
import { rounded } from '../compare'
import type { Row, Suite } from '../suite'
import { tinyDraft, tinyTarget } from '../tiny-pair'

const clientCounts = [1, 2, 4, 8, 16, 32]
const rounds = 2
const maxTokens = 48
const prompts = [
  'Tell me about a friend of yours.',
  'What do you like to eat?',
  'Where does the fox live?',
  'Tell me a story about a goat.',
]

/**
 * What clients of a server notice, all asking at once, streaming, each again as soon as it is answered; the ways in turns, round by
 * round. Of `auto`, the share of the better of the two pure ways. Then a stream that runs while 2,000-token prompts arrive, by the
 * time that a step may take.
 */
export const clientsSuite: Suite = {
  name: 'clients',
  summary: 'a server with 1 … 32 clients, with and without a draft: tokens a second, time to the first, gaps between',
  async run({ device, note, now, each = clientCounts.length }) {
    const target = await tinyTarget(device)
    const drafter = await tinyDraft(device)
    const ways: Record<string, Partial<ServerOptions>> = {
      plain: {},
      'γ 4': { drafter, draftLength: 4 },
      auto: { drafter },
    }
    const rows: Row[] = []
    for (const clients of clientCounts.slice(0, each)) {
      const servers = Object.values(ways).map(
        (
          options, // The first round compiles.
        ) => createServer({ target, concurrency: clients, warmUp: false, ...options }),
      )
      for (const { ready } of servers) await ready
      const measured = servers.map((): Streams => ({ tokens: 0, seconds: 0, firsts: [], gaps: [] }))
      for (let round = 0; round <= rounds; round++)
        for (const [i, { app }] of servers.entries()) {
          note(`${clients} clients, ${Object.keys(ways)[i]}, round ${round}`)
          const began = now()
          const streams = await Promise.all(
            Array.from({ length: clients }, (_, client) =>
              streamed(app, { content: prompts[client % prompts.length]!, maxTokens }, now),
            ),
          )
          if (round === 0) continue // learns
          measured[i]!.seconds += now() - began
          for (const { tokens, firsts, gaps } of streams) {
            measured[i]!.tokens += tokens
            measured[i]!.firsts.push(...firsts)
            measured[i]!.gaps.push(...gaps)
          }
        }
      for (const server of servers) await server.close()
      const rates = measured.map(({ tokens, seconds }) => tokens / seconds)
      for (const [i, name] of Object.keys(ways).entries())
        rows.push({
          clients,
          way: name,
          tokens_s: rounded(rates[i]!),
          of_better: name === 'auto' ? rounded(rates[i]! / Math.max(...rates.slice(0, -1))) : undefined,
          ...waits(measured[i]!),
        })
    }
    const long = withContext(target, 2304)
    for (const maxStepMilliseconds of [1e9, 200, 50]) {
      note(`prompts of 2,000 tokens, steps of ${maxStepMilliseconds} ms`)
      const server = createServer({ target: long, concurrency: 4, warmUp: false, maxStepMilliseconds })
      await server.ready
      const ask = (tokens: number, most: number) =>
        streamed(server.app, { prompt: Array.from({ length: tokens }, (_, i) => 5 + (i % 50)), maxTokens: most }, now)
      await ask(2000, 2) // how long rows take
      const running = ask(8, 200)
      const arriving = [1950, 2000].map((tokens) => ask(tokens, 2))
      const [stream, ...others] = await Promise.all([running, ...arriving])
      await server.close()
      const firsts = others.flatMap(({ firsts }) => firsts)
      rows.push({
        clients: 3,
        way: `2,000 tokens, steps of ${maxStepMilliseconds} ms`,
        ...waits({ ...stream, firsts }),
      })
    }
    target.dispose()
    drafter.dispose()
    return rows
  },
}

/** Seconds, and what came in them. */
interface Streams {
  tokens: number
  seconds: number
  firsts: number[]
  gaps: number[]
}

/** One request, answered as a stream: when its pieces came. */
async function streamed(
  app: ReturnType<typeof createServer>['app'],
  { content, prompt, maxTokens }: { content?: string; prompt?: number[]; maxTokens: number },
  now: () => number,
): Promise<Streams> {
  const began = now()
  const asked = prompt ? { prompt } : { messages: [{ role: 'user', content }] }
  const response = await app.request(prompt ? '/v1/completions' : '/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...asked,
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0,
      max_tokens: maxTokens,
    }),
  })
  if (!response.ok) throw new Error(await response.text())
  const streams: Streams = { tokens: 0, seconds: 0, firsts: [], gaps: [] }
  let last: number | undefined
  for await (const bytes of response.body!) {
    for (const line of new TextDecoder().decode(bytes).split('\n')) {
      if (!line.startsWith('data: {')) continue
      const { choices, usage } = JSON.parse(line.slice(6))
      if (usage) streams.tokens = usage.completion_tokens
      if (!(choices[0]?.delta?.content ?? choices[0]?.text)) continue
      const at = now()
      if (last === undefined) streams.firsts.push(at - began)
      else streams.gaps.push(at - last)
      last = at
    }
  }
  streams.seconds = now() - began
  return streams
}

const waits = ({ firsts, gaps }: Pick<Streams, 'firsts' | 'gaps'>) => ({
  first_p50_ms: rounded(1000 * percentile(firsts, 0.5)),
  first_p99_ms: rounded(1000 * percentile(firsts, 0.99)),
  gap_p50_ms: rounded(1000 * percentile(gaps, 0.5)),
  gap_p99_ms: rounded(1000 * percentile(gaps, 0.99)),
  gap_most_ms: rounded(1000 * percentile(gaps, 1)),
})

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

/** The same weights in a longer context: what it says there means nothing, and takes as long. */
function withContext(target: PretrainedModel, contextLength: number): PretrainedModel {
  const { model, config } = target
  const longer = { ...config, contextLength }
  return pretrainedModel(new Decoder(model.device, longer, model.parameters!), target)
}
