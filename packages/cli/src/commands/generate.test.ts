import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testData } from '@outrider/test-data'
import { afterAll, describe, expect, test } from 'vitest'
import { runCli } from '../testing/run-cli'

const chat = fileURLToPath(new URL('../../assets/tiny-chat', import.meta.url))
const base = testData('stories260K')
const folder = mkdtempSync(join(tmpdir(), 'outrider-generate-'))
const at = (name: string) => join(folder, name)
const rowsOf = (name: string) =>
  readFileSync(at(name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
afterAll(() => rmSync(folder, { recursive: true }))

const generate = (target: string, out: string, ...args: string[]) =>
  runCli(['generate', '--target', target, '--out', at(out), ...args])

describe('generate without seeds', () => {
  const few = ['--self-seeds', '3', '--temperatures', '0', '--max-tokens', '12']

  test('has the target write instructions, beside the answers to them, and goes on where it was', async () => {
    const { status, err, out } = await generate(chat, 'answers.jsonl', ...few)
    expect(status, err).toBe(0)
    expect(err.replace(/\s+/g, ' ')).toContain(
      'the target writes 3 instructions itself, from its empty user turn, into',
    )
    expect(out).toMatch(/^3 seeds in .*answers\.seeds\.jsonl/)
    expect(out).toMatch(/^3 rows in .*answers\.jsonl, 3 of them new/m)
    const asked = rowsOf('answers.seeds.jsonl').map(({ messages }) => messages[0])
    expect(rowsOf('answers.jsonl').map(({ messages }) => messages[0])).toEqual(asked)
    const again = await generate(chat, 'answers.jsonl', ...few, '--seeds', 'self', '--json')
    const seeds = at('answers.seeds.jsonl')
    expect(again.json()).toMatchObject({ rows: 3, generated: 0, others: 0, seeds, seed_rows: 3, left_out: {} })
  })

  test('has a model without a chat template begin texts and continue them, and says so', async () => {
    const { status, err } = await generate(base, 'continued.jsonl', ...few)
    expect(status, err).toBe(0)
    expect(err.replace(/\s+/g, ' ')).toContain('has no chat template: it begins 3 texts itself')
    expect(rowsOf('continued.jsonl')).toHaveLength(3)
    for (const { category, messages } of rowsOf('continued.jsonl')) {
      expect(category).toBe('continuation')
      expect(messages[1].content).not.toBe('')
    }
  })
})

describe('generate --draft', () => {
  test('answers with a draft: greedy rows are those without, others are drawn with it, and it says how drafts fared', async () => {
    writeFileSync(at('asked.jsonl'), '{"prompt":"Tell me about Mira."}\n')
    const asked = (...args: string[]) =>
      generate(chat, 'drafted.jsonl', '--seeds', at('asked.jsonl'), '--max-tokens', '20', '--json', ...args)
    const drafted = await asked('--temperatures', '0,1', '--draft', chat, '--draft-length', '4')
    expect(drafted.status, drafted.err).toBe(0)
    const { speculation, ...done } = drafted.json() as { speculation: { block_efficiency: number } }
    expect(done).toMatchObject({ rows: 2, generated: 2, others: 0 })
    // The target as its own draft is right under block verification, but for how the answer ends.
    expect(speculation.block_efficiency).toBeGreaterThan(3)
    const plain = await asked('--temperatures', '0')
    expect(plain.json()).toMatchObject({ rows: 2, generated: 0, others: 1 })
    expect(plain.json()).not.toHaveProperty('speculation')
  })

  test.each([
    [['--target-states', at('states')], '--target-states does not go with --draft'],
    [['--texts', '2'], '--draft is of no use here: --texts are written from nothing'],
    [
      ['--endpoint', 'http://127.0.0.1:9', '--model', 'm', '--seeds', at('asked.jsonl')],
      '--draft is of no use with --endpoint',
    ],
  ])('is refused with %j', async (args, text) => {
    const { status, err } = await generate(chat, 'no.jsonl', '--draft', 'lookup', ...args)
    expect(status).toBe(2)
    expect(err.replace(/\s+/g, ' ')).toContain(text)
  })
})

describe('generate --texts', () => {
  test('has the target write texts to pretrain on', async () => {
    const { status, json, err } = await generate(base, 'texts.jsonl', '--texts', '3', '--max-tokens', '30', '--json')
    expect(status, err).toBe(0)
    expect(json()).toMatchObject({ out: at('texts.jsonl'), rows: 3, generated: 3, others: 0 })
    for (const { text } of rowsOf('texts.jsonl')) expect(text.split(/\s+/).length).toBeGreaterThan(6)
    // With a cache that rounds it is another target.
    const rounding = ['--texts', '1', '--max-tokens', '10', '--cache-dtype', 'f16', '--json']
    expect((await generate(base, 'texts.jsonl', ...rounding)).json()).toMatchObject({
      rows: 1,
      generated: 1,
      others: 3,
    })
  })

  test.each([
    [['--texts', '3', '--seeds', 'SEEDS'], '--texts is of no use here: the seeds are given'],
    [['--opening-share', '0', '--seeds', 'SEEDS'], '--opening-share is of no use here: the seeds are given'],
    [['--texts', '3', '--self-seeds', '5'], '--self-seeds is of no use here: --texts are written from nothing'],
    [['--seeds', 'self', 'SEEDS'], 'It is self alone, or files'],
  ])('and seeds are not mixed: %j', async (args, text) => {
    writeFileSync(at('seeds.jsonl'), '{"prompt":"Why?"}\n')
    const given = args.map((arg) => (arg === 'SEEDS' ? at('seeds.jsonl') : arg))
    expect(await generate(base, 'no.jsonl', ...given)).toMatchObject({ status: 2, err: expect.stringContaining(text) })
  })
})
