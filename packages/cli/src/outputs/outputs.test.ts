import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Context } from '../context'
import { Terminal } from '../terminal'
import { runCli } from '../testing/run-cli'
import { claimDirectory, claimFile } from './index'

let folder: string
const at = (name: string) => join(folder, name)
const write = (name: string, content = '') => {
  mkdirSync(join(at(name), '..'), { recursive: true })
  writeFileSync(at(name), content)
}
const contexts: Context[] = []
function context(signal = new AbortController().signal): Context {
  const silent = { write: () => undefined }
  const terminal = new Terminal({ out: silent, err: silent, env: {}, json: false })
  const made = new Context(terminal, signal, {
    out: silent,
    err: silent,
    input: process.stdin,
    env: {},
  })
  contexts.push(made)
  return made
}
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'outrider-outputs-')))
})
afterEach(async () => {
  for (const made of contexts.splice(0)) await made.dispose()
  rmSync(folder, { recursive: true, force: true })
})

const directory = (path: string, kind: 'run' | 'model' | 'demo' = 'run', inputs = {}) =>
  claimDirectory(context(), path, { kind, inputs })
const file = (path: string, inputs = {}) => claimFile(context(), path, { inputs })
const refusal = (message: RegExp) => ({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) })

describe('an output directory', () => {
  test('that is an input, in one or around one is refused, by whatever way it is named', async () => {
    write('model/config.json', '{}')
    write('texts/a.txt')
    symlinkSync(at('model'), at('link'))
    const inputs = { '--target': at('model'), '--text': [at('texts/a.txt')] }
    for (const path of ['model', 'model/', 'model/../model', 'link', 'link/.'])
      await expect(directory(`${folder}/${path}`, 'run', inputs), path).rejects.toMatchObject(refusal(/--target/))
    await expect(directory(at('link/inside/it'), 'run', inputs)).rejects.toMatchObject(refusal(/inside --target/))
    await expect(directory(folder, 'run', inputs)).rejects.toMatchObject(refusal(/holds --t/))
    await expect(directory(at('texts'), 'run', inputs)).rejects.toMatchObject(refusal(/holds --text/))
    await expect(directory(at('beside'), 'run', inputs)).resolves.toBe(at('beside'))
  })

  test('in the cache of the Hub is refused', async () => {
    const before = process.env.HF_HUB_CACHE
    process.env.HF_HUB_CACHE = at('cache')
    mkdirSync(at('cache'))
    try {
      await expect(directory(at('cache/models--a--b'))).rejects.toMatchObject(refusal(/cache of the Hub/))
    } finally {
      if (before === undefined) delete process.env.HF_HUB_CACHE
      else process.env.HF_HUB_CACHE = before
    }
  })

  test('is new, empty, or one that the same command left; of any other the first strange name is said', async () => {
    mkdirSync(at('empty'))
    write('run/checkpoints.json', '{"checkpoints":["checkpoint-2"]}')
    write('run/notes.txt')
    write('killed/checkpoint-3/model.safetensors')
    write('killed/.model.safetensors.77-1.tmp')
    write('damaged/checkpoints.json', '{"checkp')
    write('damaged/checkpoint-3/model.safetensors')
    for (const name of ['new/and/deep', 'empty', 'run', 'killed', 'damaged']) await directory(at(name))

    write('saved/config.json')
    write('saved/model-00001-of-00002.safetensors')
    await directory(at('saved'), 'model')
    await expect(directory(at('saved'))).rejects.toMatchObject(refusal(/not of a run.*config\.json/))
    await expect(directory(at('run'), 'model')).rejects.toMatchObject(refusal(/checkpoints\.json/))

    write('checkout/.git/HEAD')
    write('checkout/config.json')
    for (const kind of ['run', 'model', 'demo'] as const)
      await expect(directory(at('checkout'), kind), kind).rejects.toMatchObject(refusal(/\.git/))
    expect(readdirSync(at('checkout')).sort()).toEqual(['.git', 'config.json'])
  })

  test('of a demo may not be a project with a folder target of its own', async () => {
    write('project/target/debug/program')
    await expect(directory(at('project'), 'demo')).rejects.toMatchObject(refusal(/target/))
    for (const name of ['target/config.json', 'draft-pretrained/config.json', 'distillation.jsonl', 'mine.gguf'])
      write(`demo/${name}`)
    await directory(at('demo'), 'demo')
  })

  test('that can never be is refused', async () => {
    write('a.txt')
    symlinkSync(at('no/where'), at('dangling'))
    symlinkSync(at('circle'), at('circle'))
    const cases: [string, RegExp][] = [
      ['', /empty/],
      [at('a.txt'), /is a file/],
      [at('a.txt/out'), /a part of the path is a file/],
      [at('a.txt/out/deeper'), /a part of the path is a file/],
      [at('x'.repeat(300)), /too long/],
      [at(`new/${'x'.repeat(300)}`), /too long/],
      [at('dangling'), /link to .*no such folder/],
      [at('circle'), /circle/],
    ]
    for (const [path, message] of cases) await expect(directory(path), path).rejects.toMatchObject(refusal(message))
    // Where a system lets nobody make folders: Linux has /proc.
    if (process.platform === 'linux')
      for (const path of ['/proc/outrider', '/proc/outrider/run'])
        await expect(directory(path), path).rejects.toMatchObject({ code: 'FILE_WRITE' })
  })

  test('is as it was when a command ends that wrote nothing', async () => {
    const claimed = context()
    await claimDirectory(claimed, at('new/and/deep'), { kind: 'run', inputs: {} })
    expect(existsSync(at('new/and/deep'))).toBe(true)
    await claimed.dispose()
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('an output file', () => {
  test('that is an input, also by a link or a second name, or lies in a model is refused', async () => {
    write('data.jsonl', '{}')
    write('model/config.json')
    symlinkSync(at('data.jsonl'), at('link.jsonl'))
    linkSync(at('data.jsonl'), at('second.jsonl'))
    const inputs = { '--seeds': at('data.jsonl'), '--target': at('model') }
    for (const name of ['data.jsonl', 'link.jsonl', 'second.jsonl'])
      await expect(file(at(name), inputs), name).rejects.toMatchObject(refusal(/--seeds.*overwritten/))
    await expect(file(at('model/config.json'), inputs)).rejects.toMatchObject(refusal(/inside --target/))
  })

  test('that can never be is refused', async () => {
    mkdirSync(at('folder'))
    write('a.txt')
    symlinkSync(at('no/where.html'), at('dangling.html'))
    const cases: [string, RegExp][] = [
      ['', /empty/],
      [at('folder'), /is a folder/],
      [`${at('new.html')}/`, /name of a folder/],
      [`${at('a.txt')}/`, /a part of the path is a file/],
      [at('a.txt/report.html'), /a part of the path is a file/],
      [at(`${'x'.repeat(250)}.html`), /too long/],
      [at('dangling.html'), /no such folder/],
    ]
    for (const [path, message] of cases) await expect(file(path), path).rejects.toMatchObject(refusal(message))
  })

  test('a link stays one, and the file that it leads to is replaced', async () => {
    mkdirSync(at('elsewhere'))
    write('elsewhere/real.html', 'old')
    symlinkSync('elsewhere/real.html', at('link.html'))
    symlinkSync('elsewhere/new.html', at('to-be.html'))
    for (const [name, real] of [
      ['link.html', 'elsewhere/real.html'],
      ['to-be.html', 'elsewhere/new.html'],
    ] as const) {
      const out = await file(at(name))
      await out.directory.write(out.file, 'report')
      expect(lstatSync(at(name)).isSymbolicLink()).toBe(true)
      expect(readFileSync(at(real), 'utf8')).toBe('report')
    }
  })

  test.runIf(process.platform !== 'win32')('into a pipe or a device is written; they stay what they are', async () => {
    execFileSync('mkfifo', [at('pipe')])
    symlinkSync(at('pipe'), at('link'))
    const reader = spawn('cat', [at('pipe')], { stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = once(reader, 'close')
    let got = ''
    reader.stdout.on('data', (data: Buffer) => {
      got += data
    })
    const claimed = context()
    const out = await claimFile(claimed, at('link'), { inputs: {} })
    expect(await out.directory.has(out.file)).toBe(false)
    await out.directory.append(out.file, 'first\n', 0)
    await out.directory.append(out.file, 'second\n')
    await out.directory.write('beside it', 'nothing that reads the pipe asked for')
    await out.directory.write(out.file, [new TextEncoder().encode('third\n')])
    await claimed.dispose()
    await closed
    expect(got).toBe('first\nsecond\nthird\n')
    expect(lstatSync(at('pipe')).isFIFO()).toBe(true)
    expect(readdirSync(folder).sort()).toEqual(['link', 'pipe'])

    const nothing = await file('/dev/null')
    await nothing.directory.write(nothing.file, 'gone')
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true)
  })

  test.runIf(process.platform !== 'win32')(
    'into a pipe without a reader, or one that reads late, waits as long as it may',
    async () => {
      execFileSync('mkfifo', [at('pipe')])
      const stop = new AbortController()
      const claimed = await claimFile(context(stop.signal), at('pipe'), { inputs: {} })
      const written = claimed.directory.write(claimed.file, 'x')
      setTimeout(() => stop.abort(), 30)
      await expect(written).rejects.toMatchObject({ code: 'ABORTED' })

      const patient = context()
      const out = await claimFile(patient, at('pipe'), { inputs: {} })
      const content = new Uint8Array(300_000).fill(97) // more than a pipe holds
      const late = out.directory.write(out.file, [content, content])
      const reader = spawn('sh', ['-c', 'exec < "$0"; sleep 0.1; wc -c', at('pipe')], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const closed = once(reader, 'close')
      let counted = ''
      reader.stdout.on('data', (data: Buffer) => {
        counted += data
      })
      await late
      await patient.dispose()
      await closed
      expect(Number(counted)).toBe(600_000)
    },
  )

  test.runIf(process.platform === 'linux')('a device that is full is an error with its name', async () => {
    const out = await file('/dev/full')
    await expect(out.directory.write(out.file, 'x')).rejects.toMatchObject({
      code: 'FILE_WRITE',
      message: expect.stringMatching(/\/dev\/full.*full/),
    })
  })
})

describe('an output that two processes want', () => {
  /** The lock of somebody else. */
  const lockOf = (holder: object) => write('.out.jsonl.lock', `${JSON.stringify({ token: 'other', ...holder })}\n`)
  const endedProcess = () => spawnSync(process.execPath, ['-e', '']).pid

  test('belongs to the first; the second is refused at once and told who has it', async () => {
    await file(at('out.jsonl'))
    symlinkSync(at('out.jsonl'), at('link.jsonl'))
    for (const name of ['out.jsonl', 'link.jsonl'])
      await expect(file(at(name)), name).rejects.toMatchObject({
        code: 'LOCKED',
        message: expect.stringContaining(`process ${process.pid} on ${hostname()}`),
        details: { pid: process.pid, host: hostname() },
      })
    await directory(at('run'))
    await expect(directory(at('run'))).rejects.toMatchObject({ code: 'LOCKED' })
    await expect(directory(at('run/../run/'))).rejects.toMatchObject({ code: 'LOCKED' })
  })

  test('is free again when the first has ended, and nothing is left of its lock', async () => {
    const first = context()
    await claimFile(first, at('out.jsonl'), { inputs: {} })
    await first.dispose()
    expect(readdirSync(folder)).toEqual([])
    await file(at('out.jsonl'))
  })

  test('is free when a process ends at once, in the middle of its work', () => {
    const program = `
      const { takeLock } = await import(${JSON.stringify(new URL('../../../transformer/src/files/lock-file.ts', import.meta.url).href)})
      await takeLock(${JSON.stringify(at('new/out.lock'))}, 'out')
      process.exit(130)`
    const loader = ['--conditions=@outrider/source', '--import', '@outrider/build/source', '--input-type=module']
    const { status, stderr } = spawnSync(process.execPath, [...loader, '-e', program])
    expect(status, stderr.toString()).toBe(130)
    expect(readdirSync(folder)).toEqual([])
  })

  test('is taken over from a process that was killed, and from one whose number another has now', async () => {
    const gone = [
      { pid: endedProcess(), host: hostname() },
      ...(process.platform === 'linux' ? [{ pid: process.pid, host: hostname(), began: '1' }] : []),
    ]
    for (const holder of gone) {
      lockOf(holder)
      const second = context()
      await claimFile(second, at('out.jsonl'), { inputs: {} })
      await second.dispose()
      expect(readdirSync(folder)).toEqual([])
    }
  })

  test('of another machine is waited for while it is heard of', async () => {
    lockOf({ pid: 1, host: 'another.example' })
    await expect(file(at('out.jsonl'))).rejects.toMatchObject({ details: { pid: 1, host: 'another.example' } })
    const before = new Date(Date.now() - 10 * 60_000)
    utimesSync(at('.out.jsonl.lock'), before, before)
    await file(at('out.jsonl'))
    expect(JSON.parse(readFileSync(at('.out.jsonl.lock'), 'utf8'))).toMatchObject({ pid: process.pid })
  })

  test('has one holder, of many that come at once to a lock that was left', async () => {
    lockOf({ pid: endedProcess(), host: hostname() })
    const all = await Promise.allSettled(Array.from({ length: 12 }, () => file(at('out.jsonl'))))
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const one of all) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'LOCKED' })
  })
})

describe('every command that writes', () => {
  const inputFiles = () => {
    write('model/config.json', '{}')
    write('draft/config.json', '{}')
    write('rows.jsonl', '{"prompt":"a"}\n')
  }
  const model = () => ['--target', at('model')]

  test('refuses an output that is its input before it loads anything', async () => {
    inputFiles()
    const rows = at('rows.jsonl')
    const pair = [...model(), '--draft', at('draft')]
    const cases: [string, string[]][] = [
      ['--target', ['distill', ...pair, '--data', rows, '--out', at('model')]],
      ['--draft', ['distill', ...pair, '--data', rows, '--out', at('draft')]],
      ['--target', ['pretrain', ...model(), '--text', rows, '--out', at('model')]],
      ['--seeds', ['generate', ...model(), '--seeds', rows, '--out', rows]],
      ['--prompts', ['evaluate', ...pair, '--prompts', rows, '--report', rows]],
      ['--model', ['export', '--model', at('model'), '--out', at('model')]],
      ['--model', ['export', '--model', at('model'), '--out', at('model/config.json'), '--format', 'gguf']],
    ]
    for (const [option, args] of cases) {
      const { status, err } = await runCli(args)
      expect(err, args.join(' ')).toContain(option)
      expect(err).not.toContain('Adapter')
      expect(status).toBe(2)
    }
    const { status, err } = await runCli(['demo', '--out', folder])
    expect(err).toMatch(/not of a demo/)
    expect(status).toBe(2)
    expect(readdirSync(folder).sort()).toEqual(['draft', 'model', 'rows.jsonl'])
  })
})
