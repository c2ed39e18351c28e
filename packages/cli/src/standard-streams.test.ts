import { spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { bundledTarget } from './demo/bundled-target'
import { run } from './run'

const failing = (code: string, message = `${code}: of the system`) =>
  new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(message), { code })) })

/** Runs a command whose standard output fails, and the error stream too where `err` is given. */
async function withFailing(code: string, args: readonly string[], err?: Writable) {
  let told = ''
  const status = await run(args, {
    out: failing(code),
    err: err ?? { write: (text) => (told += text) },
    input: Readable.from(['Who is Mira?\n', 'And who is Tom?\n']),
    env: {},
  })
  return { status, told }
}

const model = bundledTarget()
const completion = ['complete', '--model', model, '--chat', '--prompt', 'Who is Mira?', '--max-tokens', '90']
const commands = [
  ['--help'],
  ['--version'],
  ['doctor'],
  ['doctor', '--json'],
  completion,
  [...completion, '--json'],
  ['chat', '--model', model, '--max-tokens', '5'],
  ['chat', '--model', model, '--max-tokens', '5', '--json'],
  ['serve', '--model', model, '--port', '0', '--no-warm-up'],
]
const nameOf = (args: readonly string[]) => args.map((arg) => (arg === model ? 'tiny-chat' : arg)).join(' ')

describe('standard output that takes nothing more', () => {
  for (const args of commands)
    test(`ends \`${nameOf(args)}\` with one line and status 1`, async () => {
      const { status, told } = await withFailing('ENOSPC', args)
      expect(told.match(/error: .*/g)).toEqual(['error: Standard output cannot be written: there is no space left.'])
      expect(told).not.toMatch(/\n\s+at /)
      expect(status).toBe(1)
    })

  test('is silent where its reader has left', async () => {
    for (const args of [['--help'], completion, ['doctor', '--json']]) {
      const { status, told } = await withFailing('EPIPE', args)
      expect(told).not.toMatch(/error|EPIPE/)
      expect(status).toBe(0)
    }
  })

  test('keeps the error of the command from nobody', async () => {
    const { status, told } = await withFailing('ENOSPC', ['complete', '--model', '/no/such', '--prompt', 'x', '--json'])
    expect(told.match(/error: .*/g)).toEqual([
      expect.stringMatching(/no model directory/),
      expect.stringMatching(/^error: Standard output/),
    ])
    expect(status).toBe(1)
  })

  test('names other reasons: a terminal that is gone, and what the system says', async () => {
    expect((await withFailing('EIO', ['--help'])).told).toMatch(/^error: .*terminal or the disk/)
    expect((await withFailing('EODD', ['--help'])).told).toMatch(/^error: .*EODD: of the system/)
  })

  test('stops an answer in its middle', async () => {
    let tokens = 0
    const out = new Writable({
      write: (_chunk, _encoding, done) => done(++tokens > 3 ? Object.assign(new Error(), { code: 'EPIPE' }) : null),
    })
    const surroundings = { out, err: { write: () => undefined }, input: Readable.from([]), env: {} }
    expect(await run(completion, surroundings)).toBe(0)
    expect(tokens).toBe(4)
  })
})

describe('an error stream that takes nothing', () => {
  test('leaves a command its results and its status', async () => {
    let text = ''
    const surroundings = {
      out: { write: (piece: string) => (text += piece) },
      err: failing('ENOSPC'),
      input: Readable.from([]),
      env: {},
    }
    expect(await run([...completion, '--json'], surroundings)).toBe(0)
    expect(JSON.parse(text)).toMatchObject({ text: expect.any(String) })
    expect(await run(['doctor', '--unknown'], surroundings)).toBe(2)
  })

  test('beside such a standard output ends a command with status 1', async () => {
    expect((await withFailing('ENOSPC', completion, failing('ENOSPC'))).status).toBe(1)
  })
})

describe.runIf(process.platform === 'linux')('a process', () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const loader = ['--conditions=@outrider/source', '--import', '@outrider/software-adapter/register']
  const program = [...loader, '--import', '@outrider/build/source', main]

  test('with a full standard output, or a full error stream, ends in order', () => {
    const full = openSync('/dev/full', 'w')
    try {
      const out = spawnSync(process.execPath, [...program, ...completion], { stdio: ['ignore', full, 'pipe'] })
      expect(out.stderr.toString()).toMatch(/error: Standard output cannot be written: there is no space left\.\n$/)
      expect([out.status, out.signal]).toEqual([1, null])
      const both = spawnSync(process.execPath, [...program, ...completion], { stdio: ['ignore', full, full] })
      expect([both.status, both.signal]).toEqual([1, null])
    } finally {
      closeSync(full)
    }
  }, 60_000)

  test('whose reader leaves in the middle of an answer ends in order, in silence', async () => {
    const child = spawn(process.execPath, [...program, ...completion], { stdio: ['ignore', 'pipe', 'pipe'] })
    let told = ''
    child.stderr.on('data', (data: Buffer) => {
      told += data
    })
    child.stdout.once('data', () => child.stdout.destroy())
    const ended = await new Promise((resolve) => child.on('close', (...how) => resolve(how)))
    expect(ended, told).toEqual([0, null])
    expect(told).not.toMatch(/EPIPE|error|\n\s+at /)
  }, 60_000)
})
