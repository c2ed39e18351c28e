import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { bundledTarget } from './demo/bundled-target'
import { runCli } from './testing/run-cli'

const folder = mkdtempSync(join(tmpdir(), 'outrider-run-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('a run is not begun anew over one that is not finished, and replaces one that is; one whose newest checkpoint is damaged says so, and goes on from the older one to the same bytes', async () => {
  const out = join(folder, 'draft')
  const text = join(folder, 'text.txt')
  writeFileSync(text, Array.from({ length: 20 }, (_, i) => `Mira has ${i} kites.`).join('\n<|endoftext|>\n'))
  const pretraining = [
    ...[
      'pretrain',
      '--target',
      bundledTarget(),
      '--text',
      text,
      '--layers',
      '1',
      '--hidden-size',
      '16',
      '--heads',
      '1',
    ],
    ...['--steps', '4', '--batch-size', '2', '--length', '16', '--checkpoint-every', '2', '--out', out],
  ]
  expect((await runCli(pretraining)).status).toBe(0)
  const weights = readFileSync(join(out, 'model.safetensors'))
  expect(readdirSync(out)).toEqual(expect.arrayContaining(['checkpoint-2', 'checkpoint-4']))
  expect(readdirSync(out).filter((name) => name.startsWith('.'))).toEqual([]) // nor a lock

  // As it is where the run ended after two steps.
  const record = join(out, 'checkpoints.json')
  const recorded = JSON.parse(readFileSync(record, 'utf8'))
  expect(recorded.checkpoints).toEqual(['checkpoint-2', 'checkpoint-4'])
  writeFileSync(record, JSON.stringify({ ...recorded, checkpoints: ['checkpoint-2'] }))
  rmSync(join(out, 'checkpoint-4'), { recursive: true })
  const anew = await runCli([...pretraining, '--seed', '1'])
  expect(anew.status).toBe(2)
  expect(anew.err).toMatch(/holds a run that is not finished.*--resume/s)
  expect((await runCli([...pretraining, '--resume'])).status).toBe(0)
  expect(readFileSync(join(out, 'model.safetensors')).equals(weights)).toBe(true)

  const moments = join(out, 'checkpoint-4', 'optimizer.safetensors')
  const bytes = readFileSync(moments)
  bytes[bytes.length - 1]! ^= 1
  writeFileSync(moments, bytes)
  const { status, err } = await runCli([...pretraining, '--resume'])
  expect(status, err).toBe(0)
  expect(err).toMatch(/checkpoint-4 is damaged.*optimizer\.safetensors is not what was written/)
  expect(err).toMatch(/goes on from checkpoint-2/)
  expect(readFileSync(join(out, 'model.safetensors')).equals(weights)).toBe(true)

  rmSync(join(out, 'checkpoint-4', 'checksums.json'))
  expect((await runCli([...pretraining, '--resume'])).err).toMatch(/checkpoint-4 has no checksums/)

  expect((await runCli([...pretraining, '--seed', '1'])).status).toBe(0)
  expect(readFileSync(join(out, 'model.safetensors')).equals(weights)).toBe(false)
})
