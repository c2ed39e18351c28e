import { createServer } from '@outrider/server'
import { streamed, waits } from '../streams'
import type { Row, Suite } from '../suite'
import { tinyTarget, withContext } from '../tiny-pair'

/** The gaps of a stream that runs while two prompts of 2,000 tokens arrive, by the time that a step may take, and when these are answered. */
export const longPromptsSuite: Suite = {
  name: 'long-prompts',
  summary: 'a stream of a server while prompts of 2,000 tokens arrive: gaps between its tokens, by --max-step-ms',
  async run({ device, note, now }) {
    const target = await tinyTarget(device)
    const rows: Row[] = []
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
    return rows
  },
}
