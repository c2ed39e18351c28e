import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testData } from '@outrider/test-data'
import { afterEach, describe, expect, test } from 'vitest'
import { runCli } from '../testing/run-cli'

const stories = testData('stories260K')
const tinyChatFolder = fileURLToPath(new URL('../../assets/tiny-chat', import.meta.url))
const patiently = { timeout: 60_000 }
const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const loader = [
  '--conditions=@outrider/source',
  '--import',
  '@outrider/build/source',
  '--import',
  '@outrider/software-adapter/register',
]

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

interface Served {
  url: string
  start: Record<string, unknown>
  signal: (signal: NodeJS.Signals) => void
  /** What it said on standard output, line by line, and how it ended. */
  ended: Promise<{ lines: Record<string, unknown>[]; err: string; code: number | null }>
}

/** `outrider serve` in a process of its own, once it listens. */
async function serve(...flags: string[]): Promise<Served> {
  const { OUTRIDER_API_KEY: _, ...env } = process.env
  const child = spawn(process.execPath, [...loader, main, 'serve', '--port', '0', '--json', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  })
  children.push(child)
  let out = ''
  let err = ''
  child.stderr.on('data', (data) => (err += data))
  const lines = () =>
    out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  const ended = new Promise<{ lines: Record<string, unknown>[]; err: string; code: number | null }>((resolve) =>
    child.on('close', (code) => resolve({ lines: lines(), err, code })),
  )
  const start = await new Promise<Record<string, unknown>>((resolve, reject) => {
    child.stdout.on('data', (data) => {
      out += data
      if (out.includes('\n')) resolve(lines()[0]!)
    })
    child.on('close', () => reject(new Error(`it ended before it listened:\n${err}`)))
  })
  return { url: String(start.url), start, signal: (signal) => child.kill(signal), ended }
}

const complete = (url: string, more: object = {}) =>
  fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'Once upon a time', temperature: 0, max_tokens: 8, ...more }),
  })

describe('outrider serve', () => {
  test('says in one line where it listens, answers, and ends at SIGTERM when what runs is finished', async () => {
    const { url, start, signal, ended } = await serve(
      '--model',
      stories,
      '--name',
      'little',
      '--no-warm-up',
      '--grace',
      '60',
      '--log-format',
      'json',
      '--metrics-port',
      '0',
    )
    expect(start).toMatchObject({
      event: 'listening',
      api: `${url}/v1`,
      model: 'little',
      draft: null,
      chat: false,
      context_length: 512,
      adapter: expect.any(String),
    })
    expect(await (await fetch(String(start.metrics))).text()).toContain('vllm:num_requests_running')
    expect(await (await fetch(url)).text()).toContain('<title>')
    const running = await complete(url, { max_tokens: 400, stream: true, temperature: 1, seed: 2 }) // the first token is there
    signal('SIGTERM')
    const events = (await running.text()).trimEnd().split('\n\n')
    expect(events.at(-2)).toMatch(/"finish_reason":"(length|stop)"/)
    expect(events.at(-1)).toBe('data: [DONE]')
    const { lines, code, err } = await ended
    expect(code).toBe(0)
    expect(lines).toHaveLength(2)
    expect(lines[1]).toMatchObject({ event: 'stopped', requests: 1, generation_tokens: expect.any(Number) })
    expect(err).not.toMatch(/error|\n\s+at /i)
    const entry = JSON.parse(err.split('\n').find((line) => line.startsWith('{'))!)
    expect(entry).toMatchObject({ path: '/v1/completions', status: 200, generated_tokens: lines[1]!.generation_tokens })
  })

  test('ends at once though a client had sent a hundred requests ahead and left', async () => {
    const { url, signal, ended } = await serve('--model', tinyChatFolder, '--no-warm-up')
    const { port, host } = new URL(url)
    const body = JSON.stringify({ prompt: 'Mira', max_tokens: 100, temperature: 2 })
    const request = `POST /v1/completions HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    const leaving = connect(Number(port), '127.0.0.1', () => leaving.write(request.repeat(100)))
    const state = async () => (await (await fetch(`${url}/health`)).json()) as { running: number; waiting: number }
    await expect.poll(async () => (await state()).running, patiently).toBeGreaterThan(0)
    leaving.destroy()
    await expect.poll(state, patiently).toMatchObject({ running: 0, waiting: 0 })
    signal('SIGTERM')
    const { code, err } = await ended
    expect(code).toBe(0)
    // What Dawn says of the limits of some drivers is no fault of ours.
    const own = err.replaceAll(/^Warning: max\w+PerPipelineLayout artificially reduced .*\n/gm, '')
    expect(own).not.toMatch(/error|Warning|\n\s+at /i)
  })

  test('ends at a signal while it warms up: with the status of what is interrupted, and without a crash', async () => {
    const child = spawn(process.execPath, [...loader, main, 'serve', '--port', '0', '--model', tinyChatFolder], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.push(child)
    let err = ''
    child.stderr.on('data', (data) => (err += data))
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
    await expect.poll(() => err, patiently).toContain('Model: ')
    child.kill('SIGTERM')
    expect(await ended).toBe(130)
    expect(err).toContain('serve was stopped.')
    expect(err).not.toMatch(/unsettled|\n\s+at /i)
  })

  test('changes its draft for one of a folder, named by whoever has the key, and refuses what is no draft of it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'outrider-drafts-'))
    for (const name of ['good', 'cut']) cpSync(stories, join(folder, name), { recursive: true })
    cpSync(tinyChatFolder, join(folder, 'other'), { recursive: true })
    truncateSync(join(folder, 'cut/model.safetensors'), 5000)
    const flags = ['--model', stories, '--no-warm-up', '--draft-length', '3', '--log-format', 'json']
    const { url, signal, ended } = await serve(...flags, '--api-key', 'secret', '--drafts-below', folder)
    const headers = { authorization: 'Bearer secret', 'content-type': 'application/json' }
    const said = async (path: string, body: object) => {
      const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
      // biome-ignore lint/suspicious/noExplicitAny: what a server says is anything
      return { status: response.status, body: (await response.json()) as any }
    }
    const story = async () =>
      (await said('/v1/completions', { prompt: 'Once upon a time', temperature: 0, max_tokens: 20 })).body
    const plain = await story()
    for (const [draft, status, message] of [
      ['../', 400, /leads out of the folder/],
      ['none', 404, /no draft "none"/],
      ['cut', 400, /model\.safetensors/],
      ['other', 400, /vocabular/i],
    ] as const) {
      const refused = await said('/admin/draft', { draft })
      expect([refused.status, refused.body.error.message]).toEqual([status, expect.stringMatching(message)])
    }
    expect(await said('/admin/draft', { draft: 'lookup+good' })).toMatchObject({ status: 200, body: { former: null } })
    const drafted = await story()
    expect(drafted.choices[0].text).toBe(plain.choices[0].text)
    expect(drafted.metrics.speculative_decoding.num_accepted_tokens).toBeGreaterThan(0)
    signal('SIGTERM')
    const { code, err } = await ended
    rmSync(folder, { recursive: true })
    expect(code).toBe(0)
    const changed = err.split('\n').find((line) => line.includes('draft_changed'))
    expect(JSON.parse(changed!)).toMatchObject({ draft: 'lookup+good', former: null, requests_with_former: 0 })
  })

  test('ends at once at a second signal', async () => {
    const { url, signal, ended } = await serve('--model', stories, '--no-warm-up')
    const running = await complete(url, { max_tokens: 500, stream: true, temperature: 2, seed: 3 })
    const received = running.text().catch(() => 'broken off')
    signal('SIGINT')
    await new Promise((resolve) => setTimeout(resolve, 50))
    signal('SIGINT')
    expect((await ended).code).toBe(130)
    expect(await received).not.toContain('[DONE]')
  })

  test('is warmed up before it listens, with its draft: the first request compiles nothing', async () => {
    const { url, start, signal, ended } = await serve(
      '--model',
      tinyChatFolder,
      '--draft',
      tinyChatFolder,
      '--draft-length',
      '3',
    )
    expect(start).toMatchObject({ model: 'tiny-chat', chat: true, draft: tinyChatFolder })
    const kernels = async () => /compiled_kernels\{.*\} (\d+)/.exec(await (await fetch(`${url}/metrics`)).text())![1]
    const before = await kernels()
    const { metrics } = (await (await complete(url, { prompt: 'Mira', max_tokens: 9 })).json()) as {
      metrics: { speculative_decoding: object }
    }
    expect(metrics.speculative_decoding).toMatchObject({ num_spec_tokens: 3, draft_acceptance_rate: 1 })
    await complete(url, { prompt: 'Mira', max_tokens: 9, temperature: 1 })
    await Promise.all([1, 2, 3].map((seed) => complete(url, { seed, temperature: seed - 1, draft_length: 0 })))
    expect(await kernels()).toBe(before)
    signal('SIGTERM')
    expect((await ended).code).toBe(0)
  })

  test('refuses a port that is taken, a draft of other tokens, and values out of range, each with one clear message', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const { port } = taken.address() as { port: number }
    const busy = await runCli(['serve', '--model', stories, '--port', String(port), '--no-warm-up'])
    taken.close()
    expect(busy.status).toBe(2)
    expect(busy.err).toContain(`cannot listen on 127.0.0.1, port ${port}: another program has it`)
    const other = await runCli(['serve', '--model', stories, '--draft', tinyChatFolder, '--port', '0'])
    expect(other.status).toBe(1)
    expect(other.err).toMatch(/vocabular/i)
    for (const [flags, message] of [
      [['--port', '70000'], /at most 65535/],
      [['--concurrency', '0'], /at least 1/],
      [['--api-key', ' '], /must not be empty/],
      [['--draft-length', 'long'], /--draft-length/],
      [['--log-format', 'xml'], /text, json, none/],
      [['--max-memory', '12'], /a size above 0 with its unit/],
      [['--api-keys', './no-such-file'], /no-such-file, cannot be read/],
      [['--drafts-below', stories], /asks for no key/],
      [['--api-key', 'x', '--drafts-below', './no-such-folder'], /no folder \.\/no-such-folder/],
    ] as const) {
      const { status, err } = await runCli(['serve', '--model', stories, ...flags])
      expect(status).toBe(2)
      expect(err).toMatch(message)
    }
  })

  test('teaches in its help: examples, and the variable for the key', async () => {
    const { out } = await runCli(['serve', '--help'])
    expect(out).toContain('OUTRIDER_API_KEY')
    expect(out).toContain('curl -N localhost:8000/v1/chat/completions')
  })
})
