import { memoryDirectory } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Asked, completion, loopback } from '../endpoint/loopback.fixture'
import { openAiTarget } from '../endpoint/openai-target'
import { generateDataset } from '../generate/generate-dataset'
import { gridOptions } from '../generate/grid.fixture'
import { batchAnswers } from './batch-answers'
import { type WriteBatchOptions, writeBatch } from './write-batch'

const files = memoryDirectory()
const place = (file: string) => ({ directory: files, file })
const linesOf = async (file: string) =>
  new TextDecoder()
    .decode(await files.read(file))
    .trimEnd()
    .split('\n')
const write = (batch: string, out: string, more: Partial<WriteBatchOptions> = {}) =>
  writeBatch({ ...gridOptions, model: 'big', batch: place(batch), out: place(out), ...more })

/** What a batch service makes of a line of requests. */
const served = (line: string) => {
  const { custom_id, body } = JSON.parse(line)
  const asked: Asked = { path: '', authorization: undefined, body, before: 0 }
  const response = { status_code: 200, request_id: 'r', body: completion(asked) }
  return JSON.stringify({ id: `vllm-${custom_id}`, custom_id, response, error: null })
}
const failedAs = (line: string, more: object) => JSON.stringify({ custom_id: JSON.parse(line).custom_id, ...more })

async function read(out: string, results: Record<string, readonly string[]>) {
  for (const [file, lines] of Object.entries(results)) await files.write(file, lines.join('\n'))
  const troubles: string[] = []
  const target = batchAnswers({
    model: 'big',
    files: { directory: files, files: Object.keys(results) },
    onTrouble: (message) => troubles.push(message),
  })
  const maxFailed = Number.POSITIVE_INFINITY
  const done = await generateDataset({ ...gridOptions, target, maxFailed, out: place(out) })
  return { done, figures: target.figures, troubles }
}

/** The dataset as the endpoint itself gives it. */
let live: string[]
beforeAll(async () => {
  const engine = await loopback()
  await generateDataset({
    ...gridOptions,
    target: openAiTarget({ baseUrl: engine.url, model: 'big' }),
    out: place('live.jsonl'),
  })
  await engine.close()
  live = await linesOf('live.jsonl')
})

describe('a batch of requests', () => {
  it('has one for every row, known by the row’s id, with the fields that the endpoint is asked by', async () => {
    const { files: written, requests, rows } = await write('batch.jsonl', 'none.jsonl')
    expect(written.map(({ file }) => file)).toEqual(['batch.jsonl'])
    expect({ requests, rows }).toEqual({ requests: 30, rows: 0 })
    expect(await files.has('none.jsonl')).toBe(false)
    const lines = (await linesOf('batch.jsonl')).map((line) => JSON.parse(line))
    expect(lines.map(({ custom_id }) => custom_id)).toEqual(live.map((row) => JSON.parse(row).id))
    for (const { method, url, body } of lines) {
      expect({ method, url }).toEqual({ method: 'POST', url: '/v1/chat/completions' })
      expect(body).toMatchObject({ model: 'big', max_tokens: 6, top_p: 0.95, return_token_ids: true })
    }
  })

  it('is divided into files of so many', async () => {
    const { files: written } = await write('part.jsonl', 'none.jsonl', { requestsPerFile: 13 })
    expect(written.map(({ file }) => file)).toEqual(['part.jsonl', 'part-2.jsonl', 'part-3.jsonl'])
    const parts = await Promise.all(written.map(({ file }) => linesOf(file)))
    expect(parts.map(({ length }) => length)).toEqual([13, 13, 4])
    expect(parts.flat()).toEqual(await linesOf('batch.jsonl'))
  })

  it('is divided over machines by the hashes of rows, each row of one', async () => {
    const ids = await Promise.all(
      [0, 1, 2].map(async (rank) => {
        const { requests } = await write(`rank-${rank}.jsonl`, 'none.jsonl', { rank, worldSize: 3 })
        expect(requests).toBeGreaterThan(0)
        return (await linesOf(`rank-${rank}.jsonl`)).map((line) => JSON.parse(line).custom_id)
      }),
    )
    expect(ids.flat().toSorted()).toEqual(live.map((row) => JSON.parse(row).id).toSorted())
    await expect(write('no.jsonl', 'none.jsonl', { rank: 3, worldSize: 3 })).rejects.toThrow(/rank 3 is none of 3/)
  })

  it('for a hosted service has no field that such a service refuses', async () => {
    await write('hosted.jsonl', 'none.jsonl', { fields: 'openai' })
    const { body } = JSON.parse((await linesOf('hosted.jsonl'))[0]!)
    expect(Object.keys(body).toSorted()).toEqual([
      ...['max_completion_tokens', 'messages', 'model', 'seed', 'temperature', 'top_p'],
    ])
    await expect(write('no.jsonl', 'none.jsonl', { fields: 'openai', topK: 5 })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    })
  })
})

describe('results of a batch', () => {
  it('in any order and in several files give, to the byte, the dataset of the endpoint', async () => {
    const results = (await linesOf('batch.jsonl')).map(served).toReversed()
    const { done, figures } = await read('whole.jsonl', {
      'b.jsonl': results.slice(20),
      'a.jsonl': results.slice(0, 20),
    })
    expect(done).toMatchObject({ rows: 30, generated: 30, withoutIds: 0, failed: 0, others: 0 })
    expect(figures).toEqual({ answered: 30, failed: 0, missing: 0, doubled: 0, foreign: 0, unreadable: 0 })
    expect(await linesOf('whole.jsonl')).toEqual(live)
  })

  it('that are missing, failed, doubled, foreign or torn are counted, and the next batch asks for what is not answered alone', async () => {
    const requests = await linesOf('batch.jsonl')
    const results = requests.map(served)
    const foreign = results[0]!.replace(/"custom_id":"\w+"/, '"custom_id":"another"')
    const errors = [
      failedAs(requests[0]!, { response: { status_code: 400 }, error: { error: { message: 'Too long.' } } }), // vLLM's
      failedAs(requests[1]!, { response: { status_code: 500, body: { error: { message: 'Oh.' } } }, error: null }),
      failedAs(requests[2]!, { response: null, error: { code: 'batch_expired', message: 'Expired.' } }), // OpenAI's
      failedAs(requests[3]!, { response: { status_code: 200, body: { choices: [] } } }),
    ]
    const { done, figures, troubles } = await read('some.jsonl', {
      'errors.jsonl': errors,
      // Of the row that failed first there is an answer, too; the last line is torn.
      'results.jsonl': ['', ...results.slice(3, 25), results[7]!, foreign, '[]', results[26]!.slice(0, 60)],
    })
    expect(figures).toEqual({ answered: 22, failed: 3, missing: 5, doubled: 1, foreign: 1, unreadable: 2 })
    expect(done).toMatchObject({ generated: 22, failed: 8 })
    expect(await linesOf('some.jsonl')).toEqual(live.slice(3, 25))
    expect(troubles).toEqual([
      expect.stringMatching(/results\.jsonl, line 26 is no result of a batch: it has no custom_id/),
      expect.stringMatching(/results\.jsonl, line 27 is no result of a batch: it is not JSON/),
      expect.stringMatching(/errors\.jsonl, line 1: HTTP 400: Too long\./),
      expect.stringMatching(/errors\.jsonl, line 2: HTTP 500: Oh\./),
      expect.stringMatching(/errors\.jsonl, line 3: Expired\./),
    ])
    expect(await write('rest.jsonl', 'some.jsonl')).toMatchObject({ requests: 8, rows: 22 })
    const rest = (await linesOf('rest.jsonl')).map(served)
    expect((await read('some.jsonl', { 'rest-results.jsonl': rest })).figures).toMatchObject({
      answered: 8,
      missing: 0,
    })
    expect((await linesOf('some.jsonl')).toSorted()).toEqual(live.toSorted())
    expect(await write('nothing.jsonl', 'some.jsonl')).toEqual({ files: [], requests: 0, rows: 30 })
  })

  it('that are the requests themselves are none', async () => {
    const { figures } = await read('requests.jsonl', { 'given.jsonl': await linesOf('batch.jsonl') })
    expect(figures).toMatchObject({ answered: 0, unreadable: 30, missing: 30 })
  })
})
