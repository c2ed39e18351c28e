import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testData } from '@outrider/test-data'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runCli } from '../testing/run-cli'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outrider-distill-'))
  const row = JSON.stringify({ prompt: 'Once', response: ' upon a time' })
  await writeFile(join(folder, 'good.jsonl'), `${row}\n`)
  await writeFile(join(folder, 'bad.jsonl'), 'no row\n')
})
afterAll(() => rm(folder, { recursive: true }))

it.each([
  ['in one list', ['--validation', 'good.jsonl', 'bad.jsonl']],
  ['one by one', ['--validation', 'good.jsonl', '--validation', 'bad.jsonl']],
])('reads all files of held-out rows, given %s', async (_, validation) => {
  const model = testData('stories260K')
  const paths = validation.map((word) => (word.endsWith('.jsonl') ? join(folder, word) : word))
  const { status, err } = await runCli([
    ...['distill', '--target', model, '--draft', model, '--data', join(folder, 'good.jsonl'), '--steps', '1'],
    ...['--batch-size', '1', '--length', '8', '--out', join(folder, 'out'), ...paths],
  ])
  expect(status).toBe(1)
  expect(err).toMatch(/bad\.jsonl, line 1/)
})
