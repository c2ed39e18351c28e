import { createServer, type ServerOptions } from '@outrider/server'
import { rounded } from '../compare'
import { type Streams, streamed, waits } from '../streams'
import type { Row, Suite } from '../suite'
import { tinyDraft, tinyTarget } from '../tiny-pair'

const clientCounts = [1, 2, 4, 8, 16, 32]
/** Rounds in which the scheduler learns: each is some fifteen steps, and it knows a machine after some sixty. */
const learning = 4
const rounds = 4
const maxTokens = 48
const prompts = [
  'Tell me about a friend of yours.',
  'What do you like to eat?',
  'Where does the fox live?',
  'Tell me a story about a goat.',
]

/**
 * What clients of a server notice, all asking at once, streaming, each again as soon as it is answered; the ways in turns, round by
 * round. Of `auto`, the share of the better of the two pure ways.
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
      // What passes over so many rows need is compiled before.
      const servers = Object.values(ways).map((options) =>
        createServer({ target, concurrency: clients, warmUp: true, ...options }),
      )
      for (const { ready } of servers) await ready
      const measured = servers.map((): Streams => ({ tokens: 0, seconds: 0, firsts: [], gaps: [] }))
      for (let round = 0; round < learning + rounds; round++)
        for (const [i, { app }] of servers.entries()) {
          note(`${clients} clients, ${Object.keys(ways)[i]}, round ${round}`)
          const began = now()
          const streams = await Promise.all(
            Array.from({ length: clients }, (_, client) =>
              streamed(app, { content: prompts[client % prompts.length]!, maxTokens }, now),
            ),
          )
          if (round < learning) continue
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
    target.dispose()
    drafter.dispose()
    return rows
  },
}
