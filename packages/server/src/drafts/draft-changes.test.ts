import { modelDrafter } from '@outrider/speculative'
import { OutriderError } from '@outrider/tensor'
import { generate, type PretrainedModel } from '@outrider/transformer'
import { afterEach, describe, expect, it } from 'vitest'
import { createServer } from '../create-server'
import type { ListeningServer } from '../node/start-server'
import { chatServer, eventually, metric, post, shallow, stories, tinyChat } from '../server.fixture'
import type { DraftChange } from './draft-changes'
import type { LoadedDraft } from './served-draft'

const path = '/admin/draft'
const apiKey = 'a-long-secret'
const bearer = { authorization: `Bearer ${apiKey}` }
const prompt = 'Mira'

const servers: ListeningServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

/** A server whose drafts are layers of its target, by their number, and what was said of them. */
async function served(options: Parameters<typeof chatServer>[0] = {}) {
  const whole = await stories()
  const target: PretrainedModel = { ...whole, generationConfig: { eosTokenIds: [] } }
  const told: string[] = []
  const load = async (name: string): Promise<LoadedDraft> => {
    if (!/^[1-4]$/.test(name)) throw new OutriderError('FILE_MISSING', `There is no draft ${name}.`)
    return { drafter: shallow(whole, Number(name)), dispose: () => void told.push(`freed ${name}`) }
  }
  const changes: DraftChange[] = []
  const server = await chatServer({
    ...{ target, apiKey, draftName: 'first', draftLength: 3, loadDraft: load },
    onDraftChange: (change) => changes.push(change),
    onDraftUnused: () => told.push('freed first'),
    ...options,
  })
  servers.push(server)
  const change = (draft: unknown, headers: Record<string, string> = bearer) => post(server, path, { draft }, headers)
  const ask = (more: object = {}) =>
    post(server, '/v1/completions', { prompt, temperature: 0, max_tokens: 24, ...more }, bearer)
  const text = async (more: object = {}) => (await ask(more)).json().choices[0].text as string
  const alone = async (maxTokens: number) => (await generate(target, prompt, { maxTokens }).result).text
  const state = async () => (await (await fetch(server.url + path, { headers: bearer })).json()) as State
  return { server, target, told, changes, change, ask, text, alone, state }
}

interface State {
  draft: string | null
  changes: number
  former: { draft: string | null; requests: number } | null
  underway: object | null
}

describe('a draft that is changed while the server runs', () => {
  it('drafts for whoever begins, from none to one and to none again, and no greedy answer changes by a bit', async () => {
    const { server, text, ask, alone, change, told, changes, state } = await served()
    const plain = await alone(24)
    expect(await text()).toBe(plain)
    expect((await ask({ draft_length: 2 })).json().error.message).toContain('this server has no draft')
    for (const draft of ['4', null]) {
      const answer = await change(draft)
      expect(answer.status, answer.text).toBe(200)
      expect(answer.json()).toMatchObject({ draft, requests_with_former: 0, load_seconds: expect.any(Number) })
      const { choices, metrics } = (await ask()).json()
      expect(choices[0].text).toBe(plain)
      expect(metrics?.speculative_decoding.num_drafts > 0).toBe(draft !== null)
      expect(await state()).toEqual({ draft, changes: changes.length, former: null, underway: null })
      const text = await (await fetch(`${server.url}/metrics`, { headers: bearer })).text()
      expect(/^outrider:draft_info\{.*draft="(.*)"\} 1$/m.exec(text)?.[1] ?? null).toBe(draft)
    }
    expect(changes.map(({ draft, former }) => [former, draft])).toEqual([
      [null, '4'],
      ['4', null],
    ])
    expect(told).toEqual(['freed 4'])
  })

  it('leaves those that run with theirs, whose memory goes with the last of them, and what was kept of prompts with it', async () => {
    const whole = await stories()
    const { device } = whole.model
    const first = shallow(whole, 2)
    const caches = new Set<object>()
    const { createCache } = first.model
    Object.assign(first.model, {
      createCache(options: object) {
        const cache = createCache.call(first.model, options)
        const { dispose } = cache
        caches.add(cache)
        const forget = () => {
          caches.delete(cache)
          dispose.call(cache)
        }
        return Object.assign(cache, { dispose: forget })
      },
    })
    const before = device.memory.liveBytes
    const { server, ask, alone, change, told, state } = await served({ drafter: modelDrafter(first.model) })
    const long = 'Once upon a time there was a goat. '.repeat(12)
    expect((await ask({ prompt: long, max_tokens: 8 })).status).toBe(200) // keeps keys and values of its beginning
    const kept = server.engine && (await metricWithKey(server, 'outrider:prefix_cache_bytes'))
    const running = [3, 0].map((draft_length) => ask({ max_tokens: 300, stream: true, draft_length }))
    await eventually('they run', () => server.engine.running === 2)
    expect((await change('1')).json()).toMatchObject({ former: 'first', requests_with_former: 2 })
    expect(await state()).toMatchObject({ draft: '1', former: { draft: 'first', requests: 2 } })
    const third = await change('3')
    expect([third.status, third.json().error.code]).toEqual([409, 'draft_in_use'])
    expect(told).toEqual([])
    expect(caches.size).toBeGreaterThan(0)
    const [during, ...texts] = [(await ask()).json().choices[0].text, ...(await Promise.all(running)).map(streamed)]
    expect(during).toBe(await alone(24))
    const plain = await alone(300)
    expect(texts).toEqual([plain, plain])
    await eventually('the first draft is freed', () => told.length === 1)
    expect([told, caches.size]).toEqual([['freed first'], 0])
    const left = await metricWithKey(server, 'outrider:prefix_cache_bytes')
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThan(kept)
    await server.close()
    expect(told).toEqual(['freed first', 'freed 1'])
    // But for the few numbers of rotary positions that each model has for itself.
    expect(device.memory.liveBytes).toBeLessThan(before + 256)
  })

  it('is one at a time, and given up where who asked leaves, time is over or the server stops: the old one stays', async () => {
    let arrived = 0
    const never = (_: string, { signal }: { signal: AbortSignal }) =>
      new Promise<LoadedDraft>((_, reject) => {
        arrived++
        signal.addEventListener('abort', () => reject(new OutriderError('ABORTED', 'It was broken off.')))
      })
    const { server, change, state, text, alone } = await served({ loadDraft: never })
    const leaving = new AbortController()
    const left = post(server, path, { draft: 'a' }, bearer, leaving.signal).catch(() => 'left')
    await eventually('it is loaded', () => arrived === 1)
    const second = await change('b')
    expect([second.status, second.json().error.code]).toEqual([409, 'draft_change_underway'])
    expect((await state()).underway).toMatchObject({ draft: 'a', phase: 'loading' })
    expect(await text()).toBe(await alone(24)) // nobody is held up
    leaving.abort()
    expect(await left).toBe('left')
    await eventually('it is given up', async () => (await state()).underway === null)
    const hurried = await served({ loadDraft: never, draftChangeMilliseconds: 40 })
    const late = await hurried.change('c')
    expect([late.status, late.json().error.code]).toEqual([503, 'draft_timeout'])
    for (const told of [await hurried.state(), await state()])
      expect(told).toMatchObject({ draft: null, changes: 0, underway: null })
    const stopped = change('d')
    await eventually('it is loaded', () => arrived === 3)
    await Promise.all([server.close(), stopped.catch(() => {})]) // the close waits for nothing of it
  })

  it('is refused with the reason, and leaves the old one: what is missing, broken, of other tokens, or too large', async () => {
    const other = await tinyChat()
    const errors: Record<string, () => LoadedDraft> = {
      missing: () => {
        throw new OutriderError('FILE_MISSING', 'There is no draft.')
      },
      broken: () => {
        throw new OutriderError('FILE_FORMAT', 'model.safetensors ends at byte 7.')
      },
      large: () => {
        throw new OutriderError('OUT_OF_MEMORY', 'No.')
      },
      other: () => ({ drafter: other, dispose: () => void freed.push('other') }),
      fault: () => {
        throw new Error('a secret')
      },
    }
    const freed: string[] = []
    const { change, state, text, alone } = await served({
      loadDraft: async (name) => errors[name]!(),
    })
    for (const [name, status, code, message] of [
      ['missing', 404, 'draft_not_found', /no draft/],
      ['broken', 400, 'draft_refused', /ends at byte 7/],
      ['large', 507, 'draft_too_large', /no memory/],
      ['other', 400, 'draft_refused', /vocabular/i],
      ['fault', 500, null, /^((?!secret).)*$/],
    ] as const) {
      const { error } = (await change(name)).json()
      expect([(await change(name)).status, error.code]).toEqual([status, code])
      expect(error.message).toMatch(message)
    }
    expect(freed).toEqual(['other', 'other'])
    expect(await state()).toEqual({ draft: null, changes: 0, former: null, underway: null })
    expect(await text()).toBe(await alone(24))
  })
})

describe('who may change the draft', () => {
  it('is the key that there is, or those that are named, where there is a folder of drafts', async () => {
    const { server, change } = await served()
    expect((await change('1', {})).status).toBe(401)
    expect((await change(5)).status).toBe(400)
    expect((await change('')).json().error.param).toBe('draft')
    expect((await post(server, path, { draft: '1', force: true }, bearer)).json().error.message).toContain('"force"')
    expect((await fetch(server.url + path, { method: 'PUT', headers: bearer })).headers.get('allow')).toBe('GET, POST')
    const apiKeys = { mira: 'key of mira', oskar: 'key of oskar' }
    for (const [draftKeys, statuses] of [
      [undefined, [403, 403]],
      [['oskar'], [403, 200]],
    ] as const) {
      const several = await served({ apiKey: undefined, apiKeys, draftKeys })
      for (const [i, key] of Object.values(apiKeys).entries()) {
        const got = await fetch(several.server.url + path, { headers: { authorization: `Bearer ${key}` } })
        expect(got.status).toBe(statuses[i])
      }
    }
    const fixed = await served({ loadDraft: undefined })
    const refused = await fixed.change('1')
    expect([refused.status, refused.json().error.message]).toEqual([404, expect.stringContaining('stays as it is')])
  })

  it('is nobody on a server without keys, and a name that there is not is refused at the start', async () => {
    const target = await stories()
    const loadDraft = async () => ({ drafter: target, dispose() {} })
    expect(() => createServer({ target, loadDraft })).toThrow('asks for no key')
    expect(() => createServer({ target, loadDraft, apiKey, draftKeys: ['mira'] })).toThrow(
      'no API key of the name "mira"',
    )
    const open = await chatServer({ target })
    servers.push(open)
    expect((await post(open, path, { draft: null })).status).toBe(404)
    expect(await metric(open, 'outrider:draft_info')).toBeNaN()
  })
})

async function metricWithKey(server: ListeningServer, name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`, { headers: bearer })).text()
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name}{`))
      ?.split(' ')
      .at(-1),
  )
}

/** The text of a stream of a completion. */
const streamed = ({ text }: { text: string }): string =>
  text
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'))
    .map((event) => JSON.parse(event.slice(6)).choices[0]?.text ?? '')
    .join('')
