import { createServer, type ServerOptions } from '@outrider/server'
import { median, rounded } from '../compare'
import { type Streams, streamed, waits } from '../streams'
import type { Row, Suite } from '../suite'
import { tinyDraft, tinyTarget } from '../tiny-pair'

const clientCounts = [1, 2, 4, 8, 16, 32]
/** Rounds in which the scheduler learns and what it runs is compiled by the engine: one is ten steps and more. */
const learning = 8
const rounds = 12
const maxTokens = 48
const prompts = [
  'Tell me about a friend of yours.',
  'What do you like to eat?',
  'Where does the fox live?',
  'Tell me a story about a goat.',
]

/** Of a way: tokens of a round, and the seconds of each; what its streams waited for. */
interface Measured extends Pick<Streams, 'tokens' | 'firsts' | 'gaps'> {
  seconds: number[]
}

type App = ReturnType<typeof createServer>['app']

const allAtOnce = (app: App, clients: number, now: () => number) =>
  Promise.all(
    Array.from({ length: clients }, (_, client) =>
      streamed(app, { content: prompts[client % prompts.length]!, maxTokens }, now),
    ),
  )

/** The most of the device's memory that a server takes while all are answered once, beside the models. */
async function memoryOf(options: ServerOptions & { concurrency: number }): Promise<number> {
  const { device } = options.target.model
  const before = device.memory.liveBytes
  const server = createServer(options)
  await server.ready
  device.resetPeak()
  await allAtOnce(server.app, options.concurrency, () => 0)
  await server.close()
  return device.memory.peakBytes - before
}

/**
 * What clients of a server notice, all asking at once, streaming, each again as soon as it is answered; the ways in turns, round by
 * round. Of `auto`, the share of the better of the two pure ways: the median over rounds, each beside that way's of the same round.
 */
export const clientsSuite: Suite = {
  name: 'clients',
  summary:
    'a server with 1 … 32 clients, with and without a draft: tokens a second, time to the first, gaps between, memory',
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
      const measured = servers.map((): Measured => ({ tokens: 0, seconds: [], firsts: [], gaps: [] }))
      for (let round = 0; round < learning + rounds; round++)
        for (const turn of servers.keys()) {
          // Beginning with another one each time: whoever comes behind another has what that one leaves to collect.
          const i = (turn + round) % servers.length
          const { app } = servers[i]!
          note(`${clients} clients, ${Object.keys(ways)[i]}, round ${round}`)
          const began = now()
          const streams = await allAtOnce(app, clients, now)
          if (round < learning) continue
          measured[i]!.seconds.push(now() - began)
          for (const { tokens, firsts, gaps } of streams) {
            measured[i]!.tokens += tokens / rounds
            measured[i]!.firsts.push(...firsts)
            measured[i]!.gaps.push(...gaps)
          }
        }
      for (const server of servers) await server.close()
      const memory: number[] = []
      for (const options of Object.values(ways))
        memory.push(await memoryOf({ target, concurrency: clients, ...options }))
      const rates = measured.map(({ tokens, seconds }) => tokens / median(seconds))
      const better = rates.indexOf(Math.max(...rates.slice(0, -1)))
      const ofBetter = (seconds: readonly number[]) =>
        median(seconds.map((taken, round) => measured[better]!.seconds[round]! / taken))
      for (const [i, name] of Object.keys(ways).entries())
        rows.push({
          clients,
          way: name,
          tokens_s: rounded(rates[i]!),
          of_better: name === 'auto' ? rounded(ofBetter(measured[i]!.seconds)) : undefined,
          ...waits(measured[i]!),
          mib: rounded(memory[i]! / 2 ** 20),
        })
    }
    target.dispose()
    drafter.dispose()
    return rows
  },
}
