import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testData } from '@outrider/test-data'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from './testing/run-cli'

const target = fileURLToPath(new URL('../assets/tiny-chat', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'outrider-rows-'))
const at = (name: string) => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true }))

const asked = (question: string) => ({ prompt: question })
const said = (question: string, answer: string) => ({ ...asked(question), completion: answer })
const write = (name: string, rows: readonly unknown[]) =>
  writeFileSync(at(name), rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'))

beforeAll(async () => {
  write('answers.jsonl', [
    said('Who is Mira?', 'Mira lives near the mill.'),
    asked('Who is Tomo?'), // nothing to learn
    '{"prompt": "Who', // torn
    said('Who is Tomo?', 'Tomo is a baker.'),
  ])
  write('seeds.jsonl', [asked('Who is Mira?'), asked('What is red? '.repeat(60)), { txt: 'x' }, asked('Who is Tomo?')])
  write('text.jsonl', [{ text: 'Mira lives near the mill. '.repeat(8) }, { text: 5 }, { body: 'x' }])
  const { status, err } = await runCli(pretraining('draft', '2'))
  expect(status, err).toBe(0)
})

const short = ['--steps', '1', '--batch-size', '1', '--length', '32']
const pretraining = (out: string, most: string) => [
  ...[
    'pretrain',
    '--target',
    target,
    '--text',
    at('text.jsonl'),
    '--layers',
    '1',
    '--hidden-size',
    '16',
    '--heads',
    '2',
  ],
  ...[...short, '--out', at(out), '--skip-bad-rows', most],
]
const distilling = (out: string, most: string, data = ['answers.jsonl']) => [
  ...['distill', '--target', target, '--draft', at('draft'), '--data', ...data.map(at), '--loss', 'kld'],
  ...[...short, '--out', at(out), '--skip-bad-rows', most],
]
const generating = (out: string, most: string, seeds = ['seeds.jsonl']) => [
  ...['generate', '--target', target, '--seeds', ...seeds.map(at), '--out', at(out), '--temperatures', '0'],
  ...['--max-tokens', '2', '--skip-bad-rows', most],
]
const evaluating = (most: string) => [
  ...['evaluate', '--target', target, '--draft', at('draft'), '--prompts', at('seeds.jsonl')],
  ...['--draft-length', '2', '--max-tokens', '3', '--skip-bad-rows', most],
]

test.each(['made.parquet', 'made.csv', 'made.jsonl.gz'])(
  'rows that are generated are not written as %s',
  async (out) => {
    const { status, err } = await runCli(generating(out, '0'))
    expect(status).toBe(2)
    expect(err).toMatch(/rows are written as JSONL/)
    expect(existsSync(at(out))).toBe(false)
  },
)

describe('a command that reads rows', () => {
  for (const [command, args, lines] of [
    ['pretrain', pretraining('pretrained', '1'), ['text.jsonl, line 2', 'text.jsonl, line 3']],
    ['distill', distilling('distilled', '1'), ['answers.jsonl, line 2', 'answers.jsonl, line 3']],
    ['generate', generating('made.jsonl', '1'), ['seeds.jsonl, line 2', 'seeds.jsonl, line 3']],
    ['evaluate', evaluating('1'), ['seeds.jsonl, line 2', 'seeds.jsonl, line 3']],
  ] as const)
    test(`${command} names each bad row that it passes over, and ends with the one too many`, async () => {
      const { status, err } = await runCli(args)
      expect(status).toBe(1)
      expect(err).toMatch(RegExp(`Passed over: .*${lines[0]}[\\s\\S]*${lines[1]}[\\s\\S]*1 bad row was let pass`))
    })

  test('tells how many rows it learns only in part or not at all, with the reason, and counts them in --json', async () => {
    write('unequal.jsonl', [
      said('Who is Mira?', 'Mira lives near the mill.'),
      said('Who is Mira?', 'Mira lives near the mill. She likes to paint at night. '.repeat(3)),
      said('What is red? '.repeat(12), 'A dog.'),
    ])
    const held = ['--validation', at('unequal.jsonl'), '--json']
    const { status, out, err } = await runCli([...distilling('unequal', '0', ['unequal.jsonl']), ...held])
    expect(status, err).toBe(0)
    const told = /unequal\.jsonl: of 3 rows 1 is learned only as far as 32 tokens.*line 2.*, 1 is passed over.*line 3/g
    expect(err.match(told)).toHaveLength(2) // learned and held out
    expect(JSON.parse(out)).toMatchObject({ rows_cut: 1, rows_passed_over: 1 })
  })

  test('refuses a length beyond the context of the models', async () => {
    for (const args of [distilling('beyond', '0', ['seeds.jsonl']), pretraining('beyond', '2')]) {
      const { status, err } = await runCli(args.map((arg) => (arg === '32' ? '256' : arg)))
      expect(status).toBe(2)
      expect(err).toMatch(/length is 256, beyond the context of the (draft|target), which has 128 positions/)
    }
  })

  test('ends with the first where none may be bad', async () => {
    const { status, err } = await runCli(generating('made.jsonl', '1').slice(0, -2))
    expect(status).toBe(1)
    expect(err).toContain('seeds.jsonl, line 2: The prompt has')
  })

  test('counts them in the end, and goes on with what it generated as if they were not there', async () => {
    const { status, err, json } = await runCli([...generating('made.jsonl', '2'), '--json'])
    expect(status, err).toBe(0)
    expect(json()).toMatchObject({ rows: 2, skipped_rows: 2 })
    for (const line of ['line 2', 'line 3']) expect(err.split(line)).toHaveLength(2)
    const whole = readFileSync(at('made.jsonl'), 'utf8')
    writeFileSync(at('made.jsonl'), whole.slice(0, whole.indexOf('\n') + 5))
    expect((await runCli(generating('made.jsonl', '2'))).out).toMatch(/1 of them new[\s\S]*2 bad rows were passed over/)
    expect(readFileSync(at('made.jsonl'), 'utf8')).toBe(whole)
  })

  test('reads Parquet, lists and JSONL together, and names keys that nobody knows', async () => {
    cpSync(testData('parquet/polars-zstd.parquet'), at('six.parquet'))
    writeFileSync(at('list.json'), JSON.stringify([{ ...asked('Who is Mira?'), mood: 'calm' }]))
    const { status, err, json } = await runCli([
      ...generating('both.jsonl', '0', ['six.parquet', 'list.json']),
      '--json',
    ])
    expect(status, err).toBe(0)
    expect(json()).toMatchObject({ rows: 7, skipped_rows: 0 })
    expect(err.match(/mood/g)).toHaveLength(1)
    const made = readFileSync(at('both.jsonl'), 'utf8').trim().split('\n')
    expect(JSON.parse(made[1]!)).toMatchObject({ category: 'odd', messages: [{ content: 'Why 1?' }, {}] })
  })

  test('generate tells how many rows of other settings a file has before it adds to it, and counts those of the file', async () => {
    write('one.jsonl', [asked('Who is Mira?')])
    const generation = generating('grown.jsonl', '0', ['one.jsonl'])
    expect((await runCli(generation)).err).not.toContain('besides')
    const { status, out, err } = await runCli([...generation, '--top-p', '0.5'])
    expect(status, err).toBe(0)
    expect(err).toMatch(/grown\.jsonl has 1 row besides those that are asked for, of other instructions, settings/)
    expect(out).toMatch(/^2 rows in .*grown\.jsonl, 1 of them new.*; 1 are not of these/m)
    expect(readFileSync(at('grown.jsonl'), 'utf8').trim().split('\n')).toHaveLength(2)
  })

  test('generate says that a file is not its own before it loads anything', async () => {
    write('mine.jsonl', [{ text: 'mine' }, ''])
    const { status, err } = await runCli([...generating('mine.jsonl', '0')])
    expect(status).toBe(1)
    expect(err).toMatch(/mine\.jsonl, line 1 has no id/)
    expect(err).not.toContain('Adapter')
    expect(existsSync(at('.mine.jsonl.lock'))).toBe(false)
  })
})
