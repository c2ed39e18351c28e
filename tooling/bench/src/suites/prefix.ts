import { createServer } from '@outrider/server'
import type { PretrainedModel } from '@outrider/transformer'
import { rounded } from '../compare'
import type { Row, Suite } from '../suite'
import { tinyDraft, tinyTarget, withContext } from '../tiny-pair'

const system = 600
const question = 40
const answered = 16
const turns = 6

/** A conversation of several turns with a server, which reads only what is new of each, or all; alone and with a draft. */
export const prefixSuite: Suite = {
  name: 'prefix',
  summary: `a conversation of ${turns} turns after ${system} tokens of a system message: tokens read and seconds, with reuse and without`,
  async run({ device, note, now }) {
    const target = await tinyTarget(device)
    const draft = await tinyDraft(device)
    const [long, drafter] = [target, draft].map((model) => withContext(model, 2048)) as [
      PretrainedModel,
      PretrainedModel,
    ]
    const rows: Row[] = []
    const ways = [false, true].flatMap((drafts) =>
      [0, undefined].map((prefixCacheBytes) => ({ drafts, prefixCacheBytes })),
    )
    // Everything is compiled by the first round.
    for (const round of [0, 1])
      for (const { drafts, prefixCacheBytes } of ways) {
        const way = `${drafts ? 'γ 4' : 'plain'}, ${prefixCacheBytes === 0 ? 'all is read' : 'what is new is read'}`
        note(`${way}, round ${round + 1}`)
        const server = createServer({
          target: long,
          drafter: drafts ? drafter : undefined,
          draftLength: 4,
          warmUp: false,
          ...(prefixCacheBytes !== undefined && { prefixCacheBytes }),
        })
        await server.ready
        const told = await conversation(server.app, now)
        await server.close()
        if (round === 1) rows.push({ way, ...told })
      }
    for (const model of [target, draft]) model.dispose()
    const whole = rows.filter((_, i) => i % 2 === 0)
    return rows.map((row, i) => ({
      ...row,
      of_all: rounded(Number(row.seconds) / Number(whole[Math.floor(i / 2)]!.seconds)),
    }))
  },
}

/** Asks turn after turn; each answer goes into the next prompt. */
async function conversation(app: ReturnType<typeof createServer>['app'], now: () => number) {
  const ids = (length: number, stream: number) => Array.from({ length }, (_, i) => 5 + ((i * 7 + 13 * stream) % 450))
  let prompt = ids(system, 0)
  const counts = { asked: 0, read: 0, firstSeconds: 0, laterSeconds: 0 }
  for (let turn = 1; turn <= turns; turn++) {
    prompt = [...prompt, ...ids(question, turn)]
    const began = now()
    const response = await app.request('/v1/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt, max_tokens: answered, temperature: 0, return_token_ids: true }),
    })
    if (!response.ok) throw new Error(await response.text())
    const { choices, usage } = (await response.json()) as {
      choices: { token_ids: number[] }[]
      usage: { prompt_tokens: number; prompt_tokens_details: { cached_tokens: number } }
    }
    counts[turn === 1 ? 'firstSeconds' : 'laterSeconds'] += now() - began
    counts.asked += usage.prompt_tokens
    counts.read += usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens
    prompt.push(...choices[0]!.token_ids)
  }
  return {
    prompt_tokens: counts.asked,
    read_tokens: counts.read,
    first_turn_ms: rounded(1000 * counts.firstSeconds),
    later_turn_ms: rounded((1000 * counts.laterSeconds) / (turns - 1)),
    seconds: rounded(counts.firstSeconds + counts.laterSeconds),
  }
}
