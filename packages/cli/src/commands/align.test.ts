import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plan } from '@outrider/align'
import { uniform01 } from '@outrider/tensor'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundledTarget } from '../demo/bundled-target'
import { runCli } from '../testing/run-cli'

const folder = mkdtempSync(join(tmpdir(), 'outrider-align-'))
const at = (name: string) => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true }))

const command = (out: string) => ['align', '--target', bundledTarget(), '--out', at(out)]
const planOf = (out: string) => JSON.parse(readFileSync(join(at(out), 'align/align.json'), 'utf8')) as Plan

/** A directory in which a plan of a few short steps is begun: what is measured differs from machine to machine. */
function begin(out: string, changed: Partial<Plan> = {}): void {
  const plan = planOf('looked')
  const { generate, pretrain, distill } = plan
  const small: Plan = {
    ...plan,
    generate: { ...generate, written: 8, writtenHeldOut: 2, maxTokens: 12, batchSize: 4 },
    pretrain: { ...pretrain, steps: 4, batchSize: 4 },
    distill: {
      ...distill,
      batchSize: 4,
      validateEvery: 2,
      phases: ['kld', 'tvd'].map((loss) => ({ loss, steps: 4, learningRate: 2e-3 })),
    },
    evaluate: { prompts: 2, maxTokens: 12, temperatures: [0] },
    ...changed,
  }
  mkdirSync(join(at(out), 'align'), { recursive: true })
  writeFileSync(join(at(out), 'align/align.json'), JSON.stringify(small))
}

let looked: Awaited<ReturnType<typeof runCli>>
beforeAll(async () => {
  looked = await runCli([...command('looked'), '--only', 'look', '--budget', '20s', '--loss', 'kld,tvd'])
}, 900_000)

describe('align --only look', () => {
  test('says what passes cost, what a draft could bring, and the plan, which it keeps', () => {
    expect(looked.status, looked.err).toBe(0)
    expect(looked.out).toMatch(/A pass of the target\n\s*rows +ms +of one row/)
    expect(looked.out).toMatch(/2 layers of 32, of all ids +56\.\dK/)
    expect(looked.out).toMatch(/The plan: a draft of 2 layers of 32.*about/s)
    expect(planOf('looked').asked).toMatchObject({ budgetSeconds: 20, losses: ['kld', 'tvd'] })
  })

  test('is followed: the same directory with another budget is refused', async () => {
    const { status, err } = await runCli([...command('looked'), '--budget', '1m'])
    expect(status).toBe(2)
    expect(err).toMatch(/planned for 20 seconds, not 60/)
  })
})

/** What must be there before the process is killed, in the order in which it comes. */
const marks = [
  'align/seeds.jsonl',
  'align/held-out.jsonl',
  'align/answers.jsonl',
  'answers.bin',
  'align/draft/model.safetensors',
  'align/pretrain/checkpoints.json',
  'align/distill-1/checkpoint-2/model.safetensors',
  'align/distill-1/checkpoints.json',
  'align/distill-1/checkpoint-4/model.safetensors',
  'align/distill-2/checkpoints.json',
]

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const loader = ['--conditions=@outrider/source', '--import', '@outrider/software-adapter/register']

/** Aligns in a process of its own, which is killed at a moment that the seed decides. Gives what ended it. */
const killed = (out: string, seed: number) =>
  new Promise<NodeJS.Signals | null>((resolve, reject) => {
    const mark = join(at(out), marks[Math.floor(uniform01(seed, 0) * marks.length)]!)
    const delay = Math.floor(uniform01(seed, 1) * 300)
    const args = [...loader, '--import', '@outrider/build/source', main, ...command(out), '--anyway']
    const child = spawn(process.execPath, args, { stdio: 'ignore' })
    const watch = setInterval(() => {
      if (!existsSync(mark)) return
      clearInterval(watch)
      setTimeout(() => child.kill('SIGKILL'), delay)
    }, 5)
    child.on('error', reject)
    child.on('close', (_code, signal) => {
      clearInterval(watch)
      resolve(signal)
    })
  })

/** Data, weights and tokenizer. */
const outcome = (out: string) =>
  ['align/answers.jsonl', 'align/held-out.jsonl', 'answers.bin', 'model.safetensors', 'tokenizer.json'].map((file) =>
    readFileSync(join(at(out), file)).toString('base64'),
  )

// `npm run kill-align` asks for more, at moments that nobody chose.
const kills = Number(process.env.OUTRIDER_KILLS ?? 0)
const seeds = kills > 0 ? Array.from({ length: kills }, () => Math.floor(Math.random() * 2 ** 31)) : [6]

describe('align', () => {
  let straight: Awaited<ReturnType<typeof runCli>>
  beforeAll(async () => {
    begin('straight')
    straight = await runCli([...command('straight'), '--anyway', '--json'])
  }, 900_000)

  test('leaves a draft that the other commands take, and says what came out', async () => {
    expect(straight.status, straight.err).toBe(0)
    expect(straight.json()).toMatchObject({ verdict: expect.stringMatching(/lookup/), out: at('straight') })
    const answer = await runCli([
      ...['complete', '--model', bundledTarget(), '--draft', `lookup+${at('straight')}`],
      ...['--prompt', 'Tell me a story about a fox.', '--max-tokens', '8', '--draft-length', '2', '--json'],
    ])
    expect(answer.status, answer.err).toBe(0)
    expect(readFileSync(join(at('straight'), 'README.md'), 'utf8')).toContain(`--out ${at('straight')}`)
  }, 900_000)

  test('writes no GGUF of a tokenizer that llama.cpp has no way to follow, says so, and is none the worse for it', async () => {
    const { status, err } = await runCli([...command('straight'), '--anyway', '--gguf'])
    expect(status, err).toBe(0)
    expect(err.replace(/\s+/g, ' ')).toMatch(/draft\.gguf is not written\. The tokenizer cannot be written as GGUF/)
    expect(existsSync(join(at('straight'), 'draft.gguf'))).toBe(false)
    const card = readFileSync(join(at('straight'), 'README.md'), 'utf8')
    expect(card).toMatch(/outrider align --target .* --gguf\n/)
    expect(card).toContain('-md draft.gguf --draft-max')
  }, 900_000)

  test.each(seeds)(
    'killed at a moment of seed %i, goes on to the same data, weights and tokenizer',
    async (seed) => {
      const out = `killed-${seed}`
      begin(out)
      // One that was through before its moment came would show nothing.
      expect(await killed(out, seed)).toBe('SIGKILL')
      const { status, err, json } = await runCli([...command(out), '--anyway', '--json'])
      expect(status, err).toBe(0)
      expect(json()).toMatchObject({ verdict: expect.any(String) })
      expect(outcome(out)).toEqual(outcome('straight'))
    },
    900_000,
  )

  test('is stopped in a directory that holds something else, before anything is measured', async () => {
    cpSync(bundledTarget(), at('other'), { recursive: true })
    const { status, err } = await runCli(command('other'))
    expect(status).toBe(2)
    expect(err).toMatch(/not of a run of align \(there is no align\/align.json\)/)
    expect(err).not.toContain('Adapter')
  })

  test('trains nothing where no draft can pay, which is no failure, and says what to do instead', async () => {
    const { look } = planOf('looked')
    const candidates = look.candidates.map((candidate) => ({
      ...candidate,
      ceilings: candidate.ceilings.map((ceiling) => ({ ...ceiling, breakEvenAcceptance: null })),
    }))
    begin('hopeless', { look: { ...look, candidates } })
    const { status, out } = await runCli(command('hopeless'))
    expect(status).toBe(0)
    expect(out).toMatch(/No draft can pay here/)
    expect(out).toContain(`--draft lookup`)
    expect(existsSync(join(at('hopeless'), 'config.json'))).toBe(false)
  })
})
