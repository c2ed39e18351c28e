import { memoryDirectory } from '@outrider/transformer'
import { afterEach, expect, it } from 'vitest'
import { type GenerateSeedsOptions, generateSeeds } from '../self-written/seeds'
import { chatSpeaker } from '../tiny-model.fixture'
import { failure, json, type Loopback, loopback } from './loopback.fixture'
import { openAiTarget } from './openai-target'

interface Asked {
  prompt: number[][]
  seed: number
  max_tokens: number
  stop_token_ids?: number[]
}

const open: Loopback[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

const files = memoryDirectory()
const read = async (file: string) => new TextDecoder().decode(await files.read(file))

const words = 'river stone lamp bread window garden paper copper winter bridge'.split(' ')

/** What it says for a seed; behind the turn's end it goes on with an answer, as engines do that do not know that end. */
const idsFor = ({ seed }: Asked) => [
  ...new TextEncoder().encode(`Tell of ${[7, 13, 31, 57].map((n) => words[(seed % n) % words.length]).join(' and ')}`),
  ...[257, 10, 259],
  ...new TextEncoder().encode('Once'),
]

/** An engine that goes on from ids, and what it was asked but for probes. */
async function engine({ byIds = true, ids = true } = {}) {
  const asked: Asked[] = []
  const started = await loopback(undefined, ({ path, body }, response) => {
    if (path !== '/v1/completions') return failure(response, 404, 'Not Found')
    const one = body as unknown as Asked
    if (!Array.isArray(one.prompt)) return failure(response, 400, 'prompt must be a text')
    if (!ids) return failure(response, 400, 'prompt must be a text')
    if (one.stop_token_ids && !byIds) return failure(response, 400, 'unknown field stop_token_ids')
    if (one.max_tokens > 1) asked.push(one)
    const said = idsFor(one)
    const choice = { text: 'with marks left out', finish_reason: 'length', token_ids: said }
    return json(response, { choices: [choice], usage: { prompt_tokens: 3, completion_tokens: said.length } })
  })
  open.push(started)
  return { url: started.url, asked }
}

const write = (url: string, file: string, options: Partial<GenerateSeedsOptions> = {}) =>
  generateSeeds({
    ...{ target: openAiTarget({ baseUrl: url, model: 'big', retries: 0 }), speaker: chatSpeaker, count: 6 },
    ...{ out: { directory: files, file }, batchSize: 3, ...options },
  })

it('a target elsewhere writes instructions from its empty user turn, up to the end of that turn', async () => {
  const { url, asked } = await engine()
  expect(await write(url, 'seeds.jsonl', { openingShare: 0 })).toMatchObject({ rows: 6, generated: 6 })
  const rows = (await read('seeds.jsonl')).trimEnd().split('\n')
  for (const row of rows) expect(JSON.parse(row).messages[0].content).toMatch(/^Tell of \w+ and \w+ and \w+ and \w+$/)
  expect(new Set(rows.map((row) => JSON.parse(row).messages[0].content)).size).toBe(6)
  // <s><user>, as the template writes it, and nothing behind it.
  for (const { prompt, stop_token_ids, seed } of asked) {
    expect(prompt).toEqual([[256, 258]])
    expect(stop_token_ids).toContain(257)
    expect(seed).toBeLessThan(2 ** 31)
  }
})

it('goes on behind the last row that it kept, to the same bytes', async () => {
  const { url } = await engine()
  await write(url, 'whole.jsonl')
  const lines = (await read('whole.jsonl')).split('\n')
  await files.write('part.jsonl', `${lines.slice(0, 2).join('\n')}\n${lines[2]!.slice(0, 20)}`)
  expect(await write(url, 'part.jsonl', { batchSize: 4 })).toMatchObject({ rows: 6, generated: 4 })
  expect(await read('part.jsonl')).toBe(await read('whole.jsonl'))
})

it('is asked without ids that end it where the engine takes none', async () => {
  const { url, asked } = await engine({ byIds: false })
  expect(await write(url, 'without.jsonl')).toMatchObject({ rows: 6 })
  for (const { stop_token_ids } of asked) expect(stop_token_ids).toBeUndefined()
})

it('is refused where it takes no ids for a prompt, with what to give instead', async () => {
  const { url } = await engine({ ids: false })
  await expect(write(url, 'none.jsonl')).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: /does not go on from ids .*prompt must be a text/,
    remedy: /--seeds/,
  })
  await expect(write(url, 'none.jsonl', { speaker: undefined })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})
