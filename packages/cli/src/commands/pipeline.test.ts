import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { EvaluationFigures } from '@outrider/evaluation'
import type { InJson } from '@outrider/speculative'
import { breakEvenAcceptance } from '@outrider/speculative'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../testing/run-cli'

// The method, stage by stage, on a model that no one here trained.
const target = testData('stories260K')
const folder = mkdtempSync(join(tmpdir(), 'outrider-pipeline-'))
const at = (name: string) => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true }))

const stories = readFileSync(testData('tinystories/stories.txt'), 'utf8').split('<|endoftext|>')
const opening = (story: string) => story.trim().split(/\s+/).slice(0, 12).join(' ')
const jsonLines = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

beforeAll(() => {
  writeFileSync(at('stories.txt'), stories.slice(0, 60).join('<|endoftext|>'))
  writeFileSync(at('seeds.jsonl'), jsonLines(stories.slice(100, 112).map((story) => ({ prompt: opening(story) }))))
  const prompts = stories.slice(200, 206).map((story, i) => ({ prompt: opening(story), category: `group ${i % 2}` }))
  writeFileSync(at('prompts.jsonl'), jsonLines([...prompts, { prompt: 5 }]))
  writeFileSync(at('bad.jsonl'), jsonLines([{ prompt: 'Who asks, and is not answered?' }]))
})

/** Runs a stage that must succeed. */
async function stage(...args: string[]): Promise<Record<string, unknown>> {
  const { status, json, err } = await runCli([...args, '--json'])
  expect(status, err).toBe(0)
  return json()
}

const sizes = ['--layers', '1', '--hidden-size', '32', '--heads', '4']
const pretraining = (out: string) => [
  ...['pretrain', '--target', target, '--text', at('stories.txt'), ...sizes, '--steps', '40', '--batch-size', '4'],
  ...['--length', '48', '--learning-rate', '0.01', '--checkpoint-every', '10', '--out', at(out)],
]
const evaluation = (draft: string) => [
  ...['evaluate', '--target', target, '--draft', at(draft), '--prompts', at('prompts.jsonl')],
  ...['--draft-length', '2,3', '--max-tokens', '16', '--skip-bad-rows', '1'],
]

describe('pretrain, generate, distill, evaluate', () => {
  test('raise the block efficiency of a draft for a model of the wild', async () => {
    expect(await stage(...pretraining('draft'))).toMatchObject({
      steps: 40,
      tokens: 40 * 4 * 48,
      loss: expect.any(Number),
    })

    const generation = ['generate', '--target', target, '--seeds', at('seeds.jsonl'), '--out', at('answers.jsonl')]
    const grid = ['--temperatures', '0,0.5', '--max-tokens', '40', '--batch-size', '12']
    expect(await stage(...generation, ...grid)).toMatchObject({ rows: 24, generated: 24 })
    expect(await stage(...generation, ...grid)).toMatchObject({ rows: 24, generated: 0, others: 0 })

    const aligned = await stage(
      ...['distill', '--target', target, '--draft', at('draft'), '--data', at('answers.jsonl'), at('bad.jsonl')],
      ...['--loss', 'kld', '--skip-bad-rows', '1'],
      ...['--text', at('stories.txt'), '--steps', '60', '--batch-size', '4', '--length', '48'],
      ...['--learning-rate', '0.01', '--out', at('aligned')],
    )
    expect(aligned).toMatchObject({ steps: 60, acceptance_rate: expect.any(Number), skipped_rows: 1 })

    const together = [...evaluation('aligned'), '--batch-size', '3']
    const [before, after] = [await stage(...evaluation('draft')), await stage(...together)]
    expect([before, after]).toMatchObject([
      { batch_size: 1 },
      { batch_size: 3, results: [{ all: { prompts: 6 } }, {}] },
    ])
    const efficiency = ({ results }: Record<string, unknown>) =>
      (results as { all: InJson<EvaluationFigures> }[]).map(({ all }) => all.block_efficiency)
    for (const [i, value] of efficiency(after).entries()) expect(value).toBeGreaterThan(efficiency(before)[i]! + 0.1)
  })

  test('evaluate prints what scripts rely on, for each category and in all', async () => {
    const { results, ...rest } = await stage(
      ...[...evaluation('aligned'), '--temperature', '0.7', '--top-p', '0.95', '--block-times'],
    )
    const { draft_seconds, target_seconds } = rest.costs as {
      draft_seconds: number
      target_seconds: { rows: number; seconds: number }[]
    }
    const costs = { draftSeconds: draft_seconds, targetSeconds: target_seconds }
    expect(rest).toMatchObject({ temperature: 0.7, top_p: 0.95, parameter_ratio: expect.any(Number), skipped_rows: 1 })
    const times = rest.block_times as Record<string, number>[]
    expect(times.map(({ draft_length }) => draft_length)).toEqual([0, 2, 3])
    for (const { draft_length, draft_seconds, host_seconds, ...seconds } of times) {
      for (const part of ['block', 'target', 'verification', 'readback'])
        expect(seconds[`${part}_seconds`]).toBeGreaterThan(0)
      expect(host_seconds).toBeGreaterThanOrEqual(0)
      if (draft_length! > 0) expect(draft_seconds).toBeGreaterThan(0)
    }
    const lengths = results as {
      draft_length: number
      all: InJson<EvaluationFigures>
      categories: Record<string, object>
    }[]
    expect(lengths.map(({ draft_length }) => draft_length)).toEqual([2, 3])
    for (const { draft_length, all, categories } of lengths) {
      expect(Object.keys(categories)).toEqual(['group 0', 'group 1'])
      for (const figures of [all, ...Object.values(categories)])
        expect(figures).toMatchObject({
          block_efficiency: expect.any(Number),
          acceptance_rate: expect.any(Number),
          mbsu: expect.any(Number),
          cost_ratio: expect.any(Number),
          tokens_per_second: expect.any(Number),
          plain_tokens_per_second: expect.any(Number),
          speed_up: expect.any(Number),
        })
      const even = breakEvenAcceptance(costs, Math.max(1, Math.round(all.num_draft_tokens / all.num_drafts)))
      expect(all.break_even_acceptance_rate).toBe(even) // recomputed from what is printed
      expect(all.cost_ratio).toBeCloseTo(draft_seconds / target_seconds[0]!.seconds, 12)
      expect(all.expected_speed_up).toBeCloseTo(
        all.block_efficiency / (1 + all.cost_ratio! * all.mean_draft_length),
        12,
      )
      expect(all.speed_up_share).toBeCloseTo(all.speed_up! / all.expected_speed_up!, 12)
      expect(all.num_delivered_tokens).toBe(all.tokens)
      expect(all.block_efficiency).toBe(all.num_delivered_tokens / all.num_target_passes)
      expect(all.acceptance_rate_per_pos).toHaveLength(draft_length)
      expect(all.prompts).toBe(6)
      expect(all.block_efficiency).toBeGreaterThanOrEqual(1)
      expect(all.block_efficiency).toBeLessThanOrEqual(draft_length + 1)
    }
  })
})

describe('evaluate --report', () => {
  test('writes one HTML file with the figures that were printed, and an answer token by token', async () => {
    const { results } = await stage(...evaluation('aligned'), '--report', at('report.html'))
    const page = readFileSync(at('report.html'), 'utf8')
    const { all } = (results as { all: InJson<EvaluationFigures> }[])[1]!
    expect(page).toContain(`<td>${all.block_efficiency.toFixed(2)}</td><td>${all.acceptance_rate.toFixed(2)}</td>`)
    expect(page).toContain('<td class="left">group 1</td>')
    expect(page).toMatch(/<span class="accepted" title="drafted and accepted">/)
    expect(page).toContain(opening(stories[200]!).slice(0, 20))
    expect(page).not.toMatch(/NaN|undefined|Infinity|null/)
  })

  test('is refused before the work where it could not be written', async () => {
    for (const [file, message] of [
      [folder, /is a folder/],
      [at('nowhere/report.html'), /There is no folder/],
    ] as const) {
      const { status, err } = await runCli([...evaluation('aligned'), '--report', file])
      expect(status).toBe(2)
      expect(err).toMatch(message)
      expect(err).not.toContain('Adapter')
    }
  })

  test('the tables beside it fit into 80 columns', async () => {
    const { out } = await runCli(evaluation('aligned'))
    expect(out).toMatch(/accepted\/drafted \d+\/\d+ = 0\.\d\d; α by position/)
    for (const line of out.split('\n').filter((line) => /^(category|group|all|─)/.test(line)))
      expect(line.length, line).toBeLessThanOrEqual(80)
  })
})

describe('--precision mixed', () => {
  const few = ['--steps', '3', '--precision', 'mixed']

  test('trains where the adapter has shader-f16; where it has not, says so and what to do instead', async () => {
    const { capabilities } = await testDevice()
    const { status, json } = await runCli([...pretraining('mixed'), ...few, '--json'])
    if (capabilities.shaderF16) {
      expect(status).toBe(0)
      expect(json()).toMatchObject({ steps: 3, loss_scale: 65_536 })
      return
    }
    expect(status).toBe(1)
    expect(json()).toMatchObject({ error: { code: 'UNSUPPORTED', remedy: expect.stringContaining('f32') } })
    expect(existsSync(at('mixed'))).toBe(false)
  })

  test('is the only other precision', async () => {
    const { status, err } = await runCli([...pretraining('half'), '--precision', 'f16'])
    expect(status).toBe(2)
    expect(err).toMatch(/f32, mixed/)
  })
})

describe('a run that is stopped with Ctrl-C', () => {
  const main = fileURLToPath(new URL('../main.ts', import.meta.url))
  const loader = ['--conditions=@outrider/source', '--import', '@outrider/software-adapter/register']

  /** Pretrains in a process of its own; sends SIGINT when the first checkpoint is there. */
  const interrupted = (out: string) =>
    new Promise<{ status: number | null; err: string }>((resolve, reject) => {
      const args = [...loader, '--import', '@outrider/build/source', main, ...pretraining(out)]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
      let err = ''
      child.stderr.on('data', (data: Buffer) => {
        err += data
      })
      const watch = setInterval(() => {
        if (!existsSync(join(at(out), 'checkpoints.json'))) return
        clearInterval(watch)
        child.kill('SIGINT')
      }, 5)
      child.on('error', reject)
      child.on('close', (status) => {
        clearInterval(watch)
        resolve({ status, err })
      })
    })

  test('says how to go on, and goes on to the bytes of a run that was not', async () => {
    const { status, err } = await interrupted('stopped')
    expect(status, err).toBe(130)
    expect(err).toMatch(/--resume/)
    await stage(...pretraining('stopped'), '--resume')
    const files = (name: string) => readdirSync(at(name)).filter((file) => !file.startsWith('checkpoint'))
    expect(files('stopped')).toEqual(files('draft'))
    for (const file of files('draft'))
      expect(readFileSync(join(at('stopped'), file)).equals(readFileSync(join(at('draft'), file))), file).toBe(true)
  })
})
