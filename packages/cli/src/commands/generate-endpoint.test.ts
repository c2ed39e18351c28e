import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ListeningServer, startServer } from '@outrider/server/node'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { loadCausalLM } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../testing/run-cli'

const chat = fileURLToPath(new URL('../../assets/tiny-chat', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'outrider-endpoint-'))
const at = (name: string) => join(folder, name)
const rowsOf = (name: string) =>
  readFileSync(at(name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

let server: ListeningServer
beforeAll(async () => {
  const target = await loadCausalLM(chat, { device: await testDevice() })
  server = await startServer({ target, name: 'tiny', host: '127.0.0.1', port: 0, warmUp: false, apiKey: 'sk-secret' })
  writeFileSync(
    at('seeds.jsonl'),
    ['Hello.', 'Who are you?', 'Count.'].map((prompt) => JSON.stringify({ prompt })).join('\n'),
  )
  writeFileSync(at('key'), 'sk-secret\n')
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

const few = ['--seeds', at('seeds.jsonl'), '--max-tokens', '16']
const elsewhere = (out: string, ...args: string[]) =>
  runCli(['generate', '--endpoint', server.url, '--model', 'tiny', '--out', at(out), ...few, ...args])

describe('generate --endpoint', () => {
  test('gets from outrider serve, greedily, the texts and ids of the same target here', async () => {
    const key = ['--api-key-file', at('key')]
    const greedy = ['--temperatures', '0']
    const here = await runCli(['generate', '--target', chat, '--out', at('here.jsonl'), ...few, ...greedy])
    expect(here.status, here.err).toBe(0)
    const { status, err, json } = await elsewhere(
      'there.jsonl',
      ...key,
      ...greedy,
      '--target',
      chat,
      '--prices',
      '2,1e6',
      '--json',
    )
    expect(status, err).toBe(0)
    const tokens = rowsOf('there.jsonl').reduce((sum, { completion_ids }) => sum + completion_ids.length, 0)
    expect(json()).toMatchObject({ rows: 3, generated: 3, without_ids: 0, failed: 0, tokens })
    expect(json().cost).toBeCloseTo(tokens, 3)
    const said = (name: string) => rowsOf(name).map(({ id: _, ...row }) => row)
    expect(said('there.jsonl')).toEqual(said('here.jsonl'))
    const again = await elsewhere('there.jsonl', ...key, ...greedy, '--json')
    expect(again.json()).toMatchObject({ rows: 3, generated: 0, others: 0 })
    expect(readFileSync(at('there.jsonl'), 'utf8')).not.toContain('sk-secret')
    expect(err).not.toContain('sk-secret')
  })

  test('by files that are answered elsewhere gets the rows that it gets by asking', async () => {
    const key = ['--api-key-file', at('key'), '--temperatures', '0,0.7', '--seed', '3']
    expect((await elsewhere('asked.jsonl', ...key)).status).toBe(0)
    const offline = ['generate', '--model', 'tiny', '--out', at('read.jsonl'), ...few, ...key.slice(2)]
    const written = await runCli([...offline, '--write-batch', at('batch.jsonl'), '--json'])
    expect(written.status, written.err).toBe(0)
    expect(written.json()).toMatchObject({ batch_files: [at('batch.jsonl')], requests: 6, rows: 0 })
    const results: string[] = []
    for (const { custom_id, url, body } of rowsOf('batch.jsonl').toReversed()) {
      const headers = { 'content-type': 'application/json', authorization: 'Bearer sk-secret' }
      const response = await fetch(`${server.url}${url}`, { method: 'POST', headers, body: JSON.stringify(body) })
      results.push(
        JSON.stringify({ custom_id, response: { status_code: response.status, body: await response.json() } }),
      )
    }
    writeFileSync(at('results-1.jsonl'), results.slice(0, 2).join('\n'))
    const part = await runCli([...offline, '--read-batch', at('results-1.jsonl'), '--json'])
    expect(part.json()).toMatchObject({ rows: 2, generated: 2, answered: 2, missing: 4, failed: 0 })
    expect(part.err.replace(/\s+/g, ' ')).toContain('4 are in no file; --write-batch asks for these alone')
    writeFileSync(at('results-2.jsonl'), results.slice(2).join('\n'))
    const whole = await runCli([...offline, '--read-batch', at('results-2.jsonl'), at('results-1.jsonl'), '--json'])
    expect(whole.json()).toMatchObject({ rows: 6, generated: 4, missing: 0, doubled: 2 })
    const sorted = (name: string) => readFileSync(at(name), 'utf8').trimEnd().split('\n').toSorted()
    expect(sorted('read.jsonl')).toEqual(sorted('asked.jsonl'))
  })

  test('takes the key from the environment, and without one says where it is looked for', async () => {
    const args = ['generate', '--endpoint', server.url, '--model', 'tiny', '--out', at('env.jsonl'), ...few]
    const { status, err } = await runCli(args, { env: { OUTRIDER_API_KEY: 'sk-secret' } })
    expect(status, err).toBe(0)
    expect(
      rowsOf('env.jsonl')
        .map(({ temperature }) => temperature)
        .slice(0, 4),
    ).toEqual([0, 0.3, 0.7, 1])
    expect(err.replace(/\s+/g, ' ')).toContain(`tiny at ${server.url}/v1`)
    const refused = await elsewhere('none.jsonl')
    expect(refused.status).not.toBe(0)
    expect(refused.err.replace(/\s+/g, ' ')).toMatch(/HTTP 401.*--api-key-file, OUTRIDER_API_KEY/)
  })

  test('refuses a tokenizer that is not the endpoint’s', async () => {
    const args = ['--api-key-file', at('key'), '--target', testData('stories260K')]
    const { status, err } = await elsewhere('other.jsonl', ...args)
    expect(status).not.toBe(0)
    expect(err.replace(/\s+/g, ' ')).toContain('The tokenizer is not that of tiny at the endpoint')
  })

  test.each([
    [['--endpoint', 'http://localhost', '--seeds', 'SEEDS'], '--endpoint needs --model.'],
    [['--endpoint', 'http://localhost', '--model', 'm'], 'writes no seeds itself'],
    [
      ['--endpoint', 'http://localhost', '--model', 'm', '--seeds', 'SEEDS', '--dtype', 'f16'],
      '--dtype is of no use with',
    ],
    [
      ['--endpoint', 'http://localhost', '--model', 'm', '--seeds', 'SEEDS', '--batch-size', '2'],
      '--batch-size is of no use',
    ],
    [['--target', chat, '--concurrency', '2'], '--concurrency is of no use without --endpoint.'],
    [['--target', chat, '--prices', '2'], 'It must be two numbers'],
    [['--seeds', 'SEEDS'], 'There is no target.'],
    [['--write-batch', 'b.jsonl', '--seeds', 'SEEDS'], '--write-batch needs --model.'],
    [['--read-batch', 'b.jsonl', '--model', 'm', '--seeds', 'SEEDS', '--target', chat], '--target is of no use with'],
    [['--write-batch', 'b.jsonl', '--model', 'm'], 'writes no seeds itself'],
    [['--target', chat, '--batch-fields', 'openai'], '--batch-fields is of no use without --write-batch.'],
  ])('is not mixed with what it does not have: %j', async (args, text) => {
    const { status, err } = await runCli([
      ...['generate', '--out', at('no.jsonl')],
      ...args.map((arg) => (arg === 'SEEDS' ? at('seeds.jsonl') : arg)),
    ])
    expect(err.replace(/\s+/g, ' ')).toContain(text)
    expect(status).toBe(2)
  })
})
