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
  ])('is not mixed with what it does not have: %j', async (args, text) => {
    const { status, err } = await runCli([
      ...['generate', '--out', at('no.jsonl')],
      ...args.map((arg) => (arg === 'SEEDS' ? at('seeds.jsonl') : arg)),
    ])
    expect(err.replace(/\s+/g, ' ')).toContain(text)
    expect(status).toBe(2)
  })
})
