import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../testing/run-cli'

const chat = fileURLToPath(new URL('../../assets/tiny-chat', import.meta.url))
let folder: string
const at = (name: string) => join(folder, name)
const score = (out: string, ...args: string[]) =>
  runCli(['score', '--target', chat, '--data', at('answers.jsonl'), '--top', '8', '--out', at(out), '--json', ...args])
const distill = (...args: string[]) =>
  runCli([...['distill', '--steps', '1', '--batch-size', '2', '--length', '64', '--loss', 'tvd', '--json'], ...args])

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outrider-score-'))
  const rows = ['Who is old?', 'Where does Mira live?', 'Count.'].map((prompt) => ({ prompt, response: 'By the sea.' }))
  await writeFile(at('answers.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'))
})
afterAll(() => rm(folder, { recursive: true }))

test('what a target thinks is written by rank, goes on where it was, and is learned from without its weights', async () => {
  const first = await score('shards', '--rank', '0', '--world-size', '2')
  expect(first.status, first.err).toBe(0)
  const whole = await score('shards')
  expect(whole.json()).toMatchObject({ rows: 3, scored: 3 - Number(first.json().scored), failed: 0, top: 8 })
  for (const name of await readdir(at('shards'))) expect(name).toMatch(/^targets-\w+\.parquet$|^\.outrider-lock/)

  // The target's configuration and tokenizer, and nothing else.
  await mkdir(at('speaker'))
  for (const file of await readdir(chat))
    if (/\.json$|\.jinja$/.test(file)) await cp(join(chat, file), join(at('speaker'), file))
  const learned = await distill(
    '--targets',
    at('shards'),
    '--target',
    at('speaker'),
    '--draft',
    chat,
    '--out',
    at('draft'),
  )
  expect(learned.status, learned.err).toBe(0)
  // The draft is the target: α is 1, but for what 16 bits round.
  expect(learned.json()).toMatchObject({ loss: expect.closeTo(0, 2), acceptance_rate: expect.closeTo(1, 2) })
  // So is a draft made to begin with.
  await writeFile(at('text.txt'), 'Mira lives by the sea. '.repeat(40))
  const made = await runCli([
    ...['pretrain', '--target', at('speaker'), '--text', at('text.txt'), '--layers', '1', '--hidden-size', '16'],
    ...['--heads', '2', '--steps', '1', '--batch-size', '1', '--length', '16', '--out', at('made')],
  ])
  expect(made.status, made.err).toBe(0)
  // Beside the rows of the shards a row of text in two, which no shard has.
  const small = await distill(
    ...['--targets', at('shards'), '--target', at('speaker'), '--draft', at('made'), '--out', at('small')],
    ...['--text', at('text.txt'), '--mix', '1:1'],
  )
  expect(small.status, small.err).toBe(0)
  expect(small.json().acceptance_rate).toBeLessThan(0.9)
})

test.each([
  [
    ['score', '--target', chat, '--data', 'D', '--out', 'O', '--rank', '2', '--world-size', '2'],
    '--rank 2 is none of 2.',
  ],
  [
    ['score', '--target', chat, '--data', 'D', '--out', 'O', '--concurrency', '2'],
    '--concurrency is of no use without',
  ],
  [['score', '--target', chat, '--data', 'D', '--out', 'O', '--endpoint', 'http://x'], '--endpoint needs --model.'],
  [['distill', '--target', chat, '--draft', chat, '--out', 'O'], 'There are no rows to learn.'],
  [
    [
      'distill',
      '--target',
      chat,
      '--draft',
      chat,
      '--out',
      'O',
      '--data',
      'D',
      '--hidden-states',
      'H',
      '--on-policy',
      '0.5',
    ],
    '--on-policy does not go with --hidden-states: the target would have to read what the draft draws.',
  ],
  [
    ['distill', '--target', chat, '--draft', chat, '--out', 'O', '--data', 'D', '--targets-rest', 'cut'],
    '--targets-rest is of no use',
  ],
  [
    ['distill', '--target', chat, '--draft', chat, '--out', 'O', '--targets', 'S', '--on-policy', '0.5'],
    '--on-policy does not go with',
  ],
])('%j is refused', async (args, message) => {
  const paths: Record<string, string> = { D: at('answers.jsonl'), O: at('refused'), S: at('shards') }
  const { status, err } = await runCli(args.map((arg) => paths[arg] ?? arg))
  expect(err.replace(/\s+/g, ' ')).toContain(message)
  expect(status).toBe(2)
})
