import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AlignEvent, type Aligned, align, type Plan, type TargetElsewhere } from '@outrider/align'
import { jsonl, openAiTarget } from '@outrider/dataset'
import { type ListeningServer, startServer } from '@outrider/server/node'
import { type Device, OutriderError } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { type Directory, directory, loadCausalLM, openCausalLM, openSpeaker, saveCausalLM } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { teacherElsewhere } from '../../../align/src/teacher/elsewhere'
import { tinyTarget } from '../../../align/src/tiny-run.fixture'
import { printPlan } from '../align/plan-text'
import { bundledTarget } from '../demo/bundled-target'
import { Terminal } from '../terminal'
import { runCli } from '../testing/run-cli'

const folder = mkdtempSync(join(tmpdir(), 'outrider-align-endpoint-'))
const at = (name: string) => join(folder, name)
const planOf = (out: string) => JSON.parse(readFileSync(join(at(out), 'align/align.json'), 'utf8')) as Plan

let device: Device
let server: ListeningServer
/** The target as a program has it. */
let target: TargetElsewhere
let aligned: Aligned
let resumed: Awaited<ReturnType<typeof runCli>>
const events: AlignEvent[] = []

/** The target's tokenizer and configuration: its weights are behind the server alone. */
const speaker = at('speaker')
const endpoint = () => ['--endpoint', server.url, '--model', 'big', '--api-key-file', at('key')]
const command = (out: string, ...args: string[]) =>
  runCli(['align', '--target', speaker, '--out', at(out), '--anyway', ...endpoint(), ...args])

/** A directory in which the plan of the look is begun, of a few short steps. */
function begin(out: string): void {
  const plan = planOf('looked')
  const { generate, pretrain, distill } = plan
  const phases = ['kld', 'tvd'].map((loss) => ({ loss, steps: 2, learningRate: 2e-3 }))
  const small: Plan = {
    ...plan,
    generate: {
      ...generate,
      temperatures: [0.7, 0],
      given: 2,
      givenHeldOut: 1,
      written: 2,
      writtenHeldOut: 1,
      maxTokens: 6,
    },
    pretrain: { ...pretrain, steps: 2, batchSize: 4 },
    distill: { ...distill, batchSize: 4, validateEvery: 2, phases },
  }
  mkdirSync(join(at(out), 'align'), { recursive: true })
  writeFileSync(join(at(out), 'align/align.json'), JSON.stringify(small))
}

/** Data, weights and tokenizer. */
const outcome = (out: string) =>
  ['align/answers.jsonl', 'align/held-out.jsonl', 'answers.bin', 'model.safetensors', 'tokenizer.json'].map((file) =>
    readFileSync(join(at(out), file)).toString('base64'),
  )

beforeAll(async () => {
  device = await testDevice()
  const served = tinyTarget(device)
  await saveCausalLM(served, directory(speaker))
  rmSync(join(speaker, 'model.safetensors'))
  writeFileSync(at('key'), 'sk-secret\n')
  // The last leaves no room for an answer: engines refuse it.
  const seeds = ['Who?', 'Where?', 'Why?', 'How? '.repeat(60)].map((prompt) => JSON.stringify({ prompt }))
  writeFileSync(at('seeds.jsonl'), seeds.join('\n'))
  server = await startServer({
    target: served,
    name: 'big',
    host: '127.0.0.1',
    port: 0,
    warmUp: false,
    apiKey: 'sk-secret',
  })
  const spoken = await openSpeaker(speaker)
  const asked = { baseUrl: server.url, model: 'big', apiKey: 'sk-secret', tokenizer: spoken.tokenizer }
  target = { kind: 'endpoint', ...spoken, endpoint: openAiTarget(asked), device, topTokens: 8 }
  const whole = { target, seeds: jsonl(at('seeds.jsonl')), evenIfNoneCanPay: true, gguf: true }
  const onEvent = (event: AlignEvent) => events.push(event)
  await align({ ...whole, out: directory(at('looked')), only: 'look', budgetSeconds: 5, onEvent })
  begin('straight')
  aligned = await align({ ...whole, out: directory(at('straight')), onEvent })
  begin('killed')
  await killed(directory(at('killed')))
  resumed = await command('killed', '--seeds', at('seeds.jsonl'), '--top', '8', '--gguf', '--json')
}, 300_000)
/**
 * Has a run killed as it answers, scores, pretrains and distils: a process that is gone writes nothing more, not even what it would on
 * its way out.
 */
async function killed(out: Directory): Promise<void> {
  for (const [where, before] of [
    ['align/answers.jsonl', 2],
    ['align/shards/', 1],
    ['align/pretrain/', 0],
    ['align/distill-1/', 3],
  ] as const) {
    let left: number = before
    let isGone = false
    const dying =
      <Args extends [string, ...unknown[]]>(act: (...args: Args) => Promise<void>) =>
      async (...args: Args) => {
        isGone ||= args[0].startsWith(where) && left-- === 0
        if (!isGone) return act(...args)
        throw new OutriderError('FILE_WRITE', 'gone')
      }
    const disk: Directory = { ...out, write: dying(out.write), append: dying(out.append) }
    const run = align({ target, out: disk, seeds: jsonl(at('seeds.jsonl')), evenIfNoneCanPay: true })
    await expect(run, where).rejects.toMatchObject({ code: 'FILE_WRITE' })
    expect(isGone).toBe(true)
  }
}

afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

describe('align --endpoint', () => {
  test('looks at the rates of the engine, and says by name what needs the target here', () => {
    const said = events.flatMap((event) => (event.kind === 'note' ? [event.text] : []))
    const leftOut = said.filter((text) => text.startsWith('Left out: '))
    for (const [i, name] of ['evaluate', 'on-policy answers', "the target's embedding"].entries())
      expect(leftOut[i]).toContain(name)
    const { target, look, seconds } = planOf('looked')
    expect(target.identity).toMatchObject({ endpoint: 'big', topTokens: 8, hasEmbedding: false })
    expect(look.answerTokenSeconds).toBeGreaterThan(0)
    expect(look.draftPositionSeconds).toBeGreaterThan(0)
    expect(seconds.evaluate).toBe(0)
    let shown = ''
    const stream = { write: (text: string) => (shown += text) }
    printPlan(new Terminal({ out: stream, err: stream, env: {}, json: false }), {
      plan: planOf('looked'),
      known: false,
    })
    expect(shown).toMatch(/What a draft could bring, as far as memory limits the engine \(c by parameters\)/)
    expect(shown).not.toMatch(/A pass of the target|evaluate/)
  })

  test('asks nothing that leaves no room for its answer, and says so', () => {
    const { generate } = planOf('looked')
    expect(generate.given + generate.givenHeldOut).toBe(3)
    const warned = events.flatMap((event) => (event.kind === 'warning' ? [event.text] : []))
    expect(warned).toContainEqual(expect.stringMatching(/no room for an answer of 6 tokens behind them: 1\.$/))
    expect(readFileSync(join(at('straight'), 'align/answers.jsonl'), 'utf8')).not.toContain('How?')
  })

  test('killed in the midst of each stage, goes on to the same data, weights and tokenizer', () => {
    expect(resumed.status, resumed.err).toBe(0)
    expect(outcome('killed')).toEqual(outcome('straight'))
    expect(resumed.json().verdict).toBe(aligned.verdict)
  })

  test('leaves a draft that was learned from shards, its card and report, and how it is measured where the target is', async () => {
    const out = at('killed')
    const { verdict, left_out, measured_by, plan } = resumed.json() as {
      verdict: string
      left_out: string[]
      measured_by: { engine: string; command: string }[]
      plan: Plan
    }
    expect(verdict).toMatch(/it takes \d\.\d\d tokens of a block of 3 drafts .* nothing was measured/)
    expect(left_out).toEqual(aligned.leftOut)
    const commands = Object.fromEntries(measured_by.map(({ engine, command }) => [engine, command]))
    expect(commands.vLLM).toContain('--speculative-config')
    expect(commands['llama.cpp']).toMatch(new RegExp(`-md \\S*draft\\.gguf --draft-max ${plan.draftLength}$`))
    expect(commands.Outrider).toContain(`outrider evaluate --target ${speaker} --draft lookup+${out}`)
    expect(commands.Outrider).toContain(`--prompts ${out}/align/measured.jsonl`)
    expect(readFileSync(join(out, 'align/measured.jsonl'), 'utf8').trim().split('\n')).toHaveLength(2)
    expect(readdirSync(join(out, 'align/shards')).some((name) => name.endsWith('.parquet'))).toBe(true)
    const draft = await loadCausalLM(out, { device })
    expect(draft.config.vocabularySize).toBe(260)
    draft.dispose()
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('Nothing was measured.')
    const card = readFileSync(join(out, 'README.md'), 'utf8')
    expect(card).toContain('--endpoint URL --model big --top 8')
    expect(card).not.toContain(server.url)
  })

  test('writes the key nowhere', () => {
    const files = readdirSync(at('killed'), { recursive: true, withFileTypes: true })
    for (const file of files.filter((entry) => entry.isFile()))
      expect(readFileSync(join(file.parentPath, file.name)).includes('sk-secret'), file.name).toBe(false)
    expect(resumed.out + resumed.err).not.toContain('sk-secret')
  })

  test('begins the draft with the embedding of a target whose weights lie beside its tokenizer', async () => {
    const whole = await openCausalLM(bundledTarget())
    const { hiddenSize: width, vocabularySize } = whole.config
    const counts = new Uint32Array(vocabularySize).fill(1)
    const { embedding } = teacherElsewhere({ ...target, config: whole.config, weights: whole.weights })
    const rows = await embedding({ width, counts })
    expect(rows).toHaveLength(width * vocabularySize)
    // As wide as the target's it is that itself.
    const loaded = await loadCausalLM(bundledTarget(), { device, dtype: 'f32' })
    expect(rows).toEqual(await loaded.model.parameters['model.embed_tokens.weight']!.data())
    loaded.dispose()
  })

  test('that is begun with other tokens a place, or another target, is refused', async () => {
    const other = await command('killed', '--top', '4')
    expect(other.status).toBe(2)
    expect(other.err.replace(/\s+/g, ' ')).toContain('holds a run of 8 tokens a place, not 4')
  })

  test('refuses a tokenizer that is not the endpoint’s, before anything is written', async () => {
    const { status, err } = await runCli([
      ...['align', '--target', bundledTarget(), '--out', at('refused'), '--seeds', at('seeds.jsonl')],
      ...[...endpoint(), '--budget', '5s'],
    ])
    expect(status).not.toBe(0)
    expect(err.replace(/\s+/g, ' ')).toContain('The tokenizer is not that of big at the endpoint')
    expect(existsSync(join(at('refused'), 'align/align.json'))).toBe(false)
  })

  test.each([
    [['--endpoint', 'http://x'], '--endpoint needs --model.'],
    [['--endpoint', 'http://x', '--model', 'm', '--dtype', 'f16'], '--dtype is of no use with --endpoint'],
    [['--endpoint', 'http://x', '--model', 'm', '--only', 'evaluate'], '--only evaluate needs the target here'],
    [['--top', '8'], '--top is of no use without --endpoint'],
    [['--concurrency', '8'], '--concurrency is of no use without --endpoint'],
  ])('%j is refused', async (args, message) => {
    const { status, err } = await runCli(['align', '--target', speaker, '--out', at('no'), ...args])
    expect(err.replace(/\s+/g, ' ')).toContain(message)
    expect(status).toBe(2)
  })

  test('refuses a base model, which an endpoint does not hold conversations with', async () => {
    const base = ['align', '--target', testData('stories260K'), '--out', at('base'), ...endpoint()]
    const { status, err } = await runCli(base)
    expect(status).not.toBe(0)
    expect(err.replace(/\s+/g, ' ')).toContain('has no chat template, and an endpoint answers conversations')
  })
})
