import type { ServerResponse } from 'node:http'
import { readAll } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { memoryDirectory, type PretrainedModel } from '@outrider/transformer'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Asked, failure, json, type Loopback, loopback } from '../endpoint/loopback.fixture'
import { openAiTarget } from '../endpoint/openai-target'
import { rowFiles } from '../sources/row-files'
import { rows } from '../sources/rows'
import { chatSpeaker, tinyModel } from '../tiny-model.fixture'
import { tokenize } from '../tokenize/tokenize'
import { fromSteps, toSteps } from './fixed-point'
import { openTopTokenShards } from './open-shards'
import { type ScoreDatasetOptions, scoreDataset } from './score-dataset'
import { learnedPlaces, nothing } from './top-tokens'

const k = 5
const data = rows(
  ['One.', 'Two, then.', 'Three…', 'Four', 'Five!'].map((content, i) => ({
    kind: 'conversation' as const,
    messages: [
      { role: 'user', content: 'ab'.repeat(i) },
      { role: 'assistant', content },
    ],
    metadata: {},
  })),
)

let target: PretrainedModel
beforeAll(async () => {
  target = tinyModel(await testDevice())
})

/** ln q at every position of some tokens, in float64 from the model's logits: computed once for each. */
function logSoftmaxOf(tokens: readonly number[]): Promise<Float64Array[]> {
  const found = computed.get(tokens.join()) ?? computeLogSoftmax(tokens)
  computed.set(tokens.join(), found)
  return found
}

const computed = new Map<string, Promise<Float64Array[]>>()

async function computeLogSoftmax(tokens: readonly number[]): Promise<Float64Array[]> {
  const { device } = target.model
  const read = new Uint32Array(40) // of one shape all
  read.set(tokens)
  const logits = device.scope(() => target.model.forward(device.tensor(read, { shape: [1, read.length] })))
  const [values] = await readAll([logits])
  logits.dispose()
  const columns = target.config.vocabularySize
  return tokens.map((_, i) => {
    const row = Float64Array.from(values!.subarray(i * columns, (i + 1) * columns) as Float32Array)
    const sum = row.reduce((sum, z) => sum + Math.exp(z), 0)
    return row.map((z) => z - Math.log(sum))
  })
}

/** vLLM's answer: the k likeliest in each place by id, and the token itself. */
async function promptLogprobs({ body }: Asked): Promise<object> {
  const [tokens] = body.prompt as unknown as [number[]]
  const wanted = body.prompt_logprobs as number
  const all = await logSoftmaxOf(tokens)
  const places = tokens.slice(1).map((token, i) => {
    const order = [...all[i]!.keys()].sort((a, b) => all[i]![b]! - all[i]![a]!)
    const told = [token, ...order.slice(0, wanted)]
    return Object.fromEntries(
      told.map((id) => [id, { logprob: Math.fround(all[i]![id]!), rank: order.indexOf(id) + 1, decoded_token: '?' }]),
    )
  })
  return { choices: [{ index: 0, text: '', prompt_logprobs: [null, ...places] }] }
}

const open: Loopback[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})
async function engine(
  answer: (asked: Asked, response: ServerResponse) => unknown = async (asked, response) =>
    json(response, await promptLogprobs(asked)),
) {
  const asked: Asked[] = []
  const started = await loopback(undefined, (one, response) => {
    if (one.path !== '/v1/completions' || one.body.echo) return failure(response, 404, 'Not Found')
    asked.push(one)
    return answer(one, response)
  })
  open.push(started)
  return { url: started.url, asked }
}

const here = (more: Partial<ScoreDatasetOptions> = {}) => {
  const out = memoryDirectory()
  return scoreDataset({ target, data, k, out, ...more }).then((done) => ({ out: more.out ?? out, done }))
}
const there = (url: string, more: Partial<ScoreDatasetOptions> = {}, name = 'big') =>
  here({
    target: openAiTarget({ baseUrl: url, model: name, backoffSeconds: 0.001, timeoutSeconds: 1 }),
    speaker: chatSpeaker,
    ...more,
  })

/** All that shards say of the data's rows. */
async function said(out: ScoreDatasetOptions['out']) {
  const shards = await openTopTokenShards(out)
  const examples = await tokenize(data, chatSpeaker, 96)
  return Promise.all(
    examples.map(async (example) => {
      const places = learnedPlaces(example).map((place) => place - 1)
      return (await shards.find(Uint32Array.from(example.tokens), places))!
    }),
  )
}

describe('what a target thinks of a dataset', () => {
  it('is, of every learned token, the k likeliest and the rest, to 1/4096 of ln q', async () => {
    const { out, done } = await here()
    const found = await said(out)
    expect(done).toMatchObject({ rows: 5, scored: 5, failed: 0 })
    expect(done.tokens).toBe(found.reduce((sum, { logRest }) => sum + logRest.length, 0))
    for (const row of found) {
      const all = await logSoftmaxOf(row.tokens)
      for (const [i, place] of learnedPlaces(row).entries()) {
        const logQ = all[place - 1]!
        const order = [...logQ.keys()].sort((a, b) => logQ[b]! - logQ[a]!)
        for (let j = 0; j < k; j++) {
          expect(row.ids[i * k + j]).toBe(order[j])
          expect(Math.abs(row.logProbabilities[i * k + j]! - logQ[order[j]!]!)).toBeLessThan(1 / 4096 + 1e-5)
        }
        const rest = order.slice(k).reduce((sum, id) => sum + Math.exp(logQ[id]!), 0)
        expect(Math.abs(row.logRest[i]! - Math.log(rest))).toBeLessThan(1 / 4096 + 1e-4)
      }
    }
  })

  it('is the same from an engine that has prompt_logprobs, whatever goes wrong on the way', async () => {
    let count = 0
    const troubled = await engine(async (one, response) => {
      const body = await promptLogprobs(one)
      const trouble = one.before === 0 ? count++ % 5 : 5
      if (trouble === 0) return failure(response, 429, 'Too many', { 'retry-after': '0' })
      if (trouble === 1) return failure(response, 500, 'Oh')
      if (trouble === 2) return response.destroy()
      if (trouble === 3) return json(response, { choices: [{ prompt_logprobs: [null] }] })
      return setTimeout(() => json(response, body), (count * 7) % 20)
    })
    const mine = await said((await here()).out)
    const theirs = await said((await there(troubled.url)).out)
    for (const [i, { ids, logProbabilities, logRest }] of theirs.entries()) {
      expect(ids).toEqual(mine[i]!.ids)
      for (const [j, value] of logProbabilities.entries())
        expect(Math.abs(value - mine[i]!.logProbabilities[j]!)).toBeLessThan(1e-3)
      for (const [j, value] of logRest.entries()) expect(Math.abs(value - mine[i]!.logRest[j]!)).toBeLessThan(1e-3)
    }
    expect(troubled.asked[0]!.body).toMatchObject({ model: 'big', max_tokens: 1, temperature: 0, prompt_logprobs: k })
  })

  it('is a data set by itself, which is read as rows of tokens', async () => {
    const { out } = await here()
    const unknown: string[] = []
    const source = rowFiles(
      { directory: out, files: await out.list() },
      { onUnknownKeys: (_, keys) => unknown.push(...keys) },
    )
    const examples = await tokenize(source, chatSpeaker, 96)
    const byText = (of: typeof examples) => of.map((example) => JSON.stringify(example.tokens)).toSorted()
    expect(byText(examples)).toEqual(byText(await tokenize(data, chatSpeaker, 96)))
    expect(unknown).toEqual([])
  })

  it('that was stopped goes on with what is missing, and costs a shard at most', async () => {
    const stop = new AbortController()
    const onProgress = ({ rows }: { rows: number }) => rows === 3 && stop.abort(new Error('enough'))
    const out = memoryDirectory()
    const stopped = here({ out, shardRows: 2, signal: stop.signal, onProgress: (state) => void onProgress(state) })
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED', message: /3 of 5 rows written/ })
    expect((await here({ out, shardRows: 2 })).done).toMatchObject({ rows: 5, scored: 2 })
    expect((await here({ out })).done).toMatchObject({ rows: 5, scored: 0, bytes: 0 })
    expect(await said(out)).toEqual(await said((await here()).out))
  })

  it('is divided over machines by rank, and put together by copying', async () => {
    const parts = await Promise.all([0, 1, 2].map((rank) => here({ rank, worldSize: 3 })))
    expect(parts.reduce((sum, { done }) => sum + done.rows, 0)).toBe(5)
    const all = memoryDirectory()
    for (const { out } of parts)
      for (const file of await out.list().catch(() => [])) await all.write(file, await out.read(file))
    expect(await said(all)).toEqual(await said((await here()).out))
    expect((await here({ out: all })).done).toMatchObject({ rows: 5, scored: 0 })
    await expect(here({ rank: 3, worldSize: 3 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('is found by the beginning of a row, too, and not by another', async () => {
    const shards = await openTopTokenShards((await here()).out)
    const [example] = await tokenize(data, chatSpeaker, 96)
    const places = learnedPlaces(example!).map((place) => place - 1)
    const tokens = Uint32Array.from(example!.tokens)
    expect(await shards.find(tokens.slice(0, places[1]! + 1), places.slice(0, 2))).toMatchObject({
      tokens: example!.tokens,
    })
    expect(await shards.find(tokens, places.slice(1))).toBeUndefined()
    expect(await shards.find(tokens.with(places[1]!, 7), places)).toBeUndefined()
  })
})

describe('an engine that does not say what is asked', () => {
  it.each<[string, (asked: Asked, response: ServerResponse) => unknown, RegExp]>([
    [
      'has a limit',
      (_, response) => failure(response, 400, 'Requested prompt logprobs of 5, which is greater than max allowed: 2'),
      /greater than max allowed: 2.*--max-logprobs 5/,
    ],
    [
      'has no prompt_logprobs',
      (_, response) => json(response, { choices: [{ text: '' }] }),
      /without prompt_logprobs\. .*where none of these is at hand/,
    ],
    [
      'has no completions',
      (_, response) => failure(response, 404, 'Not Found'),
      /prompt_logprobs of .completions: HTTP 404.*SGLang.*HTTP 404.*llama.cpp.*HTTP 404/,
    ],
    [
      'says fewer',
      async (one, response) =>
        json(response, await promptLogprobs({ ...one, body: { ...one.body, prompt_logprobs: 2 } })),
      /of [23] tokens in a place, and 5 were asked for/,
    ],
  ])('because it %s is refused with what to set on it', async (_, answer, message) => {
    const { url } = await engine(answer)
    await expect(there(url)).rejects.toMatchObject({ code: 'UNSUPPORTED', message })
  })

  it('of one row ends the run, or is left out and asked for again', async () => {
    const long = 'Two, then.'.length
    const picky = await engine(async (one, response) =>
      (one.body.prompt as unknown as number[][])[0]!.length > long + 8
        ? failure(response, 400, 'Too long.')
        : json(response, await promptLogprobs(one)),
    )
    await expect(there(picky.url)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: /Too long/ })
    const { out, done } = await there(picky.url, { maxFailed: 5 })
    expect(done.failed).toBeGreaterThan(0)
    const whole = await engine()
    expect((await there(whole.url, { out })).done).toMatchObject({ rows: 5, scored: done.failed, failed: 0 })
  })
})

describe('shards', () => {
  it('of another target, or of another number of tokens, are not mixed', async () => {
    const { out } = await here()
    await expect(here({ out, k: 3 })).rejects.toMatchObject({ message: /has shards of 5 tokens.*this is 3 tokens/ })
    const { url } = await engine()
    await expect(there(url, { out })).rejects.toMatchObject({ message: /this is 5 tokens of big at an endpoint/ })
    const other = (await here({ k: 3 })).out
    for (const file of await other.list()) await out.write(file, await other.read(file))
    await expect(openTopTokenShards(out)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('that are damaged, or none, are named', async () => {
    const { out } = await here()
    const [file] = await out.list()
    const bytes = await out.read(file!)
    await out.write(file!, bytes.slice(0, -20))
    await expect(openTopTokenShards(out)).rejects.toMatchObject({ code: 'FILE_FORMAT', message: new RegExp(file!) })
    await expect(openTopTokenShards(memoryDirectory())).rejects.toMatchObject({ code: 'FILE_MISSING' })
    for (let at = 4; at < bytes.length; at += 499) {
      const broken = bytes.slice()
      broken[at]! ^= 0xff
      await out.write(file!, broken)
      await said(out).catch((error) => expect(error).toMatchObject({ name: 'OutriderError' }))
    }
  })

  it('keep ln q to half a step, and nothing as nothing', () => {
    for (let logQ = 0; logQ > -31.9; logQ -= 0.0137)
      expect(Math.abs(fromSteps(toSteps(logQ)) - logQ)).toBeLessThanOrEqual(1 / 4096)
    expect(fromSteps(toSteps(nothing))).toBe(nothing)
    expect(fromSteps(toSteps(1e-7))).toBeCloseTo(0)
  })
})
