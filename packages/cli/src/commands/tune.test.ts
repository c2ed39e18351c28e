import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDevice } from '@outrider/tensor'
import { testData } from '@outrider/test-data'
import { directory, writeTuning } from '@outrider/transformer'
import { expect, test } from 'vitest'
import { openAdapter } from '../adapter'
import { rowFindings } from '../doctor/compare-rows'
import { runCli } from '../testing/run-cli'

test('tune keeps what it found and says what it gained; a run writes down that it uses it, and doctor reports what was set aside', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'outrider-tune-'))
  try {
    const env = { XDG_CACHE_HOME: cache }
    const { status, out, err } = await runCli(
      ['tune', '--model', testData('stories260K'), '--rows', '17', '--budget', '600'],
      { env },
    )
    expect(status, err).toBe(0)
    expect(out).toMatch(/64x64 f32 +17 /)
    expect(out).toContain(`Kept in ${cache}/outrider`)
    const [file] = await readdir(join(cache, 'outrider'))
    expect(file).toMatch(/^tuning-[0-9a-f]{32}\.json$/)

    const training = [
      'tune',
      '--model',
      testData('stories260K'),
      '--for',
      'training',
      '--budget',
      '0.000000001',
      '--json',
    ]
    const { not_reached } = (await runCli(training, { env })).json() as { not_reached: string[] }
    expect(not_reached.slice(0, 3)).toEqual(['NT', 'NN', 'TN'].map((form) => `matmul ${form} 512x64 f32`))
    const mixed = await runCli(['tune', '--model', testData('stories260K'), '--precision', 'mixed'], { env })
    expect([mixed.status, mixed.err]).toEqual([2, expect.stringContaining('Add --for training')])
    for (const [work, rows, allowed] of [
      ['decoding', '17', 'from 1 to 16'],
      ['prompts', '16', '17 or more'],
    ] as const) {
      const refused = await runCli(['tune', '--model', testData('stories260K'), '--for', work, '--rows', rows], { env })
      expect([refused.status, refused.err]).toEqual([2, expect.stringContaining(allowed)])
    }
    const decoding = await runCli(['tune', '--model', testData('stories260K'), '--for', 'decoding'], { env })
    expect(decoding.out, decoding.err).toContain('There is nothing to choose here') // on a software adapter

    const device = await createDevice({ adapter: await openAdapter() })
    const wrong = { 'linear 64x64 f32': ['tiled128x64'] }
    const kernels = { 'linear 64x172 f32': 'dot' } as const
    await writeTuning(device, { kernels, timed: [], wrong }, directory(join(cache, 'outrider')))
    device.dispose()
    const trained = await runCli(
      [
        ...['pretrain', '--target', testData('stories260K'), '--text', testData('tinystories/stories.txt')],
        ...['--layers', '1', '--hidden-size', '8', '--heads', '1', '--intermediate-size', '8', '--steps', '1'],
        ...['--batch-size', '1', '--length', '8', '--out', join(cache, 'draft')],
      ],
      { env },
    )
    expect(trained.err).toContain('Kernels of 1 shapes as outrider tune chose them')
    const state = await readFile(join(cache, 'draft', 'checkpoint-1', 'trainer_state.json'), 'utf8')
    expect(JSON.parse(state).identity.kernels).toEqual(kernels)
    const seeds = join(cache, 'seeds.jsonl')
    await writeFile(seeds, '{"prompt": "Once upon a time there was a little dog who liked to run"}\n')
    const generated = [
      'generate',
      '--target',
      testData('stories260K'),
      '--seeds',
      seeds,
      '--out',
      join(cache, 'rows.jsonl'),
    ]
    const answered = await runCli([...generated, '--temperatures', '0', '--max-tokens', '2'], { env })
    expect(answered.err).toContain('Kernels of 1 shapes as outrider tune chose them')
    const pinned = await readFile(join(cache, 'rows.jsonl.kernels.json'), 'utf8')
    expect(JSON.parse(pinned).kernels).toEqual(kernels)
    const doctor = await runCli(['doctor', '--compare-rows', '--json'], { env })
    expect(doctor.status).toBe(0)
    const { findings, rows } = doctor.json() as { findings: { what: string; level: string }[]; rows: object }
    expect(findings).toContainEqual(
      expect.objectContaining({ level: 'problem', what: expect.stringMatching(/linear 64x64 f32: tiled128x64/) }),
    )
    expect(rows).toEqual({ differing: 0, compared: 480 })
  } finally {
    await rm(cache, { recursive: true, force: true })
  }
})

test('rows that depend on others are a problem with its remedy', () => {
  expect(rowFindings({ differing: 0, compared: 480 })).toEqual([])
  expect(rowFindings({ differing: 3, compared: 480 })).toEqual([
    expect.objectContaining({ level: 'problem', what: expect.stringMatching(/3 of 480 logits/) }),
  ])
})
