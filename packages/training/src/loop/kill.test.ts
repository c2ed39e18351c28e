import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { uniform01 } from '@outrider/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'outrider-train-'))
afterAll(() => rmSync(folder, { recursive: true }))

const child = fileURLToPath(new URL('train.test-child.ts', import.meta.url))
const loader = ['--conditions=@outrider/source', '--import', '@outrider/build/source']

/** Trains in a process; kills it `delay` ms after it has reported a step. */
const run = (name: string, killAt = Number.POSITIVE_INFINITY, delay = 0, kind: 'parallel'[] = []) =>
  new Promise<number | null>((resolve, reject) => {
    const args = [...loader, child, join(folder, `${name}.run`), join(folder, name), ...kind]
    const training = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    training.on('error', reject)
    training.on('exit', (code) => resolve(code))
    training.stdout.on('data', (data: Buffer) => {
      if (Number(data.toString().trim().split('\n').at(-1)) >= killAt) setTimeout(() => training.kill('SIGKILL'), delay)
    })
  })

/** Files by their hashes: byte by byte, a comparison of weights takes long. */
const bytes = (path: string) =>
  Object.fromEntries(
    readdirSync(path).map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(join(path, file)))
        .digest('hex'),
    ]),
  )

it('killed at several moments, also while a checkpoint is written, a run ends in the bytes of one that was not', async () => {
  expect(await run('straight')).toBe(0)
  for (const [step, delay] of [
    [1, 0], // before any checkpoint
    [3, 4], // about when the first is written
    [6, 1],
    [8, 10],
  ] as const)
    expect(await run('killed', step, delay)).toBeNull()
  expect(await run('killed')).toBe(0)
  expect(bytes(join(folder, 'killed'))).toEqual(bytes(join(folder, 'straight')))
  for (const one of ['run/checkpoint-12', 'run/checkpoint-4'])
    expect(bytes(join(folder, `killed.${one}`)), one).toEqual(bytes(join(folder, `straight.${one}`)))
  const weights = 'model.safetensors'
  expect(bytes(join(folder, 'killed'))[weights]).toBe(bytes(join(folder, 'straight.run/checkpoint-4'))[weights])
}, 600_000)

// `npm run kill-parallel` asks for more, at moments that nobody chose.
const kills = Number(process.env.OUTRIDER_KILLS ?? 0)
const seeds = kills > 0 ? Array.from({ length: kills }, () => Math.floor(Math.random() * 2 ** 31)) : [20]

/** At a moment that a seed chooses: after one of the steps 1 to 11, and up to 20 ms. */
describe('a draft that is adapted to propose several tokens at once', () => {
  const kind: 'parallel'[] = ['parallel']
  const last = 'run/checkpoint-12' // its history, too: α by position of every step
  beforeAll(async () => {
    expect(await run('parallel', undefined, undefined, kind)).toBe(0)
    const config = JSON.parse(readFileSync(join(folder, 'parallel', 'config.json'), 'utf8'))
    expect(config).toMatchObject({ pard_token: 258, spd_type: 'pard', vocab_size: 259 })
  }, 900_000)

  it.each(seeds)(
    'killed at a moment of seed %i, ends in the bytes of one that was not',
    async (seed) => {
      const name = `parallel-killed-${seed}`
      const [step, delay] = [0, 1].map((i) => uniform01(seed, i))
      expect(await run(name, 1 + Math.floor(step! * 11), Math.floor(delay! * 20), kind)).toBeNull()
      expect(await run(name, undefined, undefined, kind)).toBe(0)
      expect(bytes(join(folder, name))).toEqual(bytes(join(folder, 'parallel')))
      expect(bytes(join(folder, `${name}.${last}`))).toEqual(bytes(join(folder, `parallel.${last}`)))
    },
    900_000,
  )
})
