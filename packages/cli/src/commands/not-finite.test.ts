import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testData } from '@outrider/test-data'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../testing/run-cli'

const sound = testData('stories260K')
const folder = mkdtempSync(join(tmpdir(), 'outrider-poisoned-'))
const at = (name: string) => join(folder, name)
const poisoned = at('poisoned')
afterAll(() => rmSync(folder, { recursive: true }))

beforeAll(() => {
  cpSync(sound, poisoned, { recursive: true })
  const file = join(poisoned, 'model.safetensors')
  const bytes = readFileSync(file)
  const length = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length))
  const { dtype, data_offsets } = header['model.layers.0.mlp.down_proj.weight']
  expect(dtype).toBe('F32')
  bytes.writeFloatLE(Number.NaN, 8 + length + data_offsets[0] + 4 * 7)
  writeFileSync(file, bytes)
  const rows = ['Once upon a time there was a dog.', 'Lily found a needle in her room.']
  writeFileSync(
    at('rows.jsonl'),
    rows.map((text) => `${JSON.stringify({ prompt: text, completion: text })}\n`).join(''),
  )
  writeFileSync(at('text.txt'), rows.join('\n<|endoftext|>\n'))
})

const pair = { target: ['--target', poisoned, '--draft', sound], draft: ['--target', sound, '--draft', poisoned] }
const training = ['--steps', '1', '--batch-size', '1', '--length', '16']
const short = ['--max-tokens', '4']

describe('a model with one weight that is no number', () => {
  const commands: Record<string, () => string[]> = {
    complete: () => ['complete', '--model', poisoned, '--prompt', 'Once', ...short],
    'complete, as the target of a draft': () => [
      ...['complete', '--model', poisoned, '--draft', sound, '--prompt', 'Once', ...short],
    ],
    'complete, as a draft that is too dear to be used': () => [
      ...['complete', '--model', sound, '--draft', poisoned, '--temperature', '0', '--prompt', 'Once', ...short],
    ],
    generate: () => ['generate', '--target', poisoned, '--seeds', at('rows.jsonl'), '--out', at('out.jsonl'), ...short],
    'evaluate, as the target': () => ['evaluate', ...pair.target, '--prompts', at('rows.jsonl'), ...short],
    'evaluate, as the draft': () => ['evaluate', ...pair.draft, '--prompts', at('rows.jsonl'), ...short],
    'pretrain, as the draft': () => [
      ...['pretrain', ...pair.draft, '--text', at('text.txt'), ...training, '--out', at('pretrained')],
    ],
    'distill, as the target': () => [
      ...['distill', ...pair.target, '--data', at('rows.jsonl'), ...training, '--out', at('distilled-from')],
    ],
    'distill, as the draft': () => [
      ...['distill', ...pair.draft, '--data', at('rows.jsonl'), ...training, '--out', at('distilled')],
    ],
  }
  for (const [name, command] of Object.entries(commands))
    test(`fails in ${name}, and says so`, async () => {
      const { status, out, err } = await runCli([...command(), '--json'])
      expect(err).toMatch(/no numbers|Not finite in step 1/)
      expect(status).toBe(1)
      expect(out).not.toMatch(/acceptance_rate|text/)
    })

  for (const out of ['exported', 'exported.gguf'])
    test(`is not written as ${out}`, async () => {
      const { status, err } = await runCli(['export', '--model', poisoned, '--out', at(out)])
      expect(err).toMatch(/model\.layers\.0\.mlp\.down_proj\.weight" has the value NaN/)
      expect(status).toBe(1)
    })
})
