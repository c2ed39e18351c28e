import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testData } from '@outrider/test-data'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundledTarget } from '../demo/bundled-target'
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

it("writes held-out rows as it writes training rows: with the target's chat template, where the draft has none", async () => {
  const target = bundledTarget()
  const base = join(folder, 'base')
  await cp(target, base, { recursive: true })
  const { chat_template, ...config } = JSON.parse(await readFile(join(base, 'tokenizer_config.json'), 'utf8'))
  expect(chat_template).toBeTypeOf('string')
  await writeFile(join(base, 'tokenizer_config.json'), JSON.stringify(config))
  const rows = ['Where does Mira live?', 'Who is old?'].map((prompt) =>
    JSON.stringify({ prompt, response: 'By the sea.' }),
  )
  await writeFile(join(folder, 'answers.jsonl'), rows.join('\n'))
  const { json } = await runCli([
    ...['distill', '--target', target, '--draft', base, '--data', join(folder, 'answers.jsonl'), '--steps', '1'],
    ...['--validation', join(folder, 'answers.jsonl'), '--loss', 'cross-entropy', '--learning-rate', '1e-30'],
    ...['--batch-size', '2', '--length', '64', '--out', join(folder, 'as-written'), '--json'],
  ])
  const { loss, eval_loss } = json() as { loss: number; eval_loss: number }
  expect(eval_loss).toBeCloseTo(loss, 4)
})

it('keeps what the target says: a second run, of another loss, has it read no row', async () => {
  const model = testData('stories260K')
  const distil = async (loss: string, out: string) => {
    const { json } = await runCli([
      ...['distill', '--target', model, '--draft', model, '--data', join(folder, 'good.jsonl'), '--steps', '2'],
      ...['--batch-size', '1', '--length', '8', '--loss', loss, '--target-states', join(folder, 'states')],
      ...['--out', join(folder, out), '--json'],
    ])
    return (json() as { target_states: Record<string, number> }).target_states
  }
  const first = await distil('kld', 'kept-1')
  expect(first).toMatchObject({ computed: 1, from_memory: 1, from_directory: 0 })
  expect(first.memory_bytes).toBeGreaterThan(0)
  const second = await distil('tvd', 'kept-2')
  expect(second).toMatchObject({ computed: 0, from_memory: 1, from_directory: 1 })
})

it('has the target read none of the answers that brought what it said, generate --target-states', async () => {
  const target = bundledTarget()
  const states = ['--target-states', join(folder, 'states-of-answers')]
  await writeFile(join(folder, 'asked.jsonl'), '{"prompt": "Where does Mira live?"}\n{"prompt": "Who is old?"}\n')
  const answered = await runCli([
    ...['generate', '--target', target, '--seeds', join(folder, 'asked.jsonl'), '--temperatures', '0,1'],
    ...['--max-tokens', '8', '--out', join(folder, 'said.jsonl'), ...states],
  ])
  expect(answered.status, answered.err).toBe(0)
  const { json, status, err } = await runCli([
    ...['distill', '--target', target, '--draft', target, '--data', join(folder, 'said.jsonl'), '--steps', '2'],
    ...['--batch-size', '2', '--length', '64', '--loss', 'kld', '--out', join(folder, 'taught'), ...states, '--json'],
  ])
  expect(status, err).toBe(0)
  const { target_states: asked } = json() as { target_states: Record<string, number> }
  expect(asked.computed).toBe(0)
  expect(asked.from_directory).toBeGreaterThan(1)
})

describe('--keep-best', () => {
  const model = testData('stories260K')
  /** So small a rate that no validation is better than the first by what f32 can show. */
  const distil = (out: string, ...flags: string[]) =>
    runCli([
      ...['distill', '--target', model, '--draft', model, '--data', join(folder, 'good.jsonl'), '--steps', '6'],
      ...['--batch-size', '1', '--length', '8', '--loss', 'kld', '--learning-rate', '1e-30'],
      ...['--out', join(folder, out), ...flags],
    ])
  const validation = () => ['--validation', join(folder, 'good.jsonl'), '--validate-every', '1']

  it('with --patience writes the draft of the best validation, ends early and says so, and has nothing to go on with', async () => {
    const flags = [...validation(), '--keep-best', 'loss', '--patience', '2']
    const { status, out, err } = await distil('best', ...flags)
    expect(status, err).toBe(0)
    expect(out).toMatch(/3 steps in/)
    expect(out).toMatch(/Ended before step 6: nothing was gained after step 1\./)
    expect(out).toMatch(/The draft is that of step 1, the best\./)
    expect(await readdir(join(folder, 'best'))).toEqual(expect.arrayContaining(['checkpoint-1', 'checkpoint-3']))
    const weights = 'model.safetensors'
    expect(await readFile(join(folder, 'best', weights))).toEqual(
      await readFile(join(folder, 'best', 'checkpoint-1', weights)),
    )
    const again = await distil('best', ...flags, '--resume', '--json')
    expect(again.json()).toMatchObject({ steps: 3, best_global_step: 1 })
  })

  it.each([
    ['validations', ['--keep-best', 'loss'], /--keep-best compares validations, and --validation is not given/],
    ['more than one of them', ['--keep-best', 'loss', '--validation', 'good.jsonl'], /--validate-every is not given/],
    ['what it is told by', ['--patience', '2'], /--patience counts validations, and --keep-best is not given/],
  ])('needs %s', async (_, flags, message) => {
    const { status, err } = await distil(
      'nothing',
      ...flags.map((word) => (word.endsWith('.jsonl') ? join(folder, word) : word)),
    )
    expect(status).toBe(2)
    expect(err.replace(/\s+/g, ' ')).toMatch(message)
  })
})

it('draws answers of the draft for a share of the batches, and says so', async () => {
  const model = testData('stories260K')
  await writeFile(
    join(folder, 'asked.jsonl'),
    JSON.stringify({ prompt: 'Once upon a time', response: ' there was a little girl.' }),
  )
  const { json, out } = await runCli([
    ...['distill', '--target', model, '--draft', model, '--data', join(folder, 'asked.jsonl'), '--steps', '4'],
    ...['--batch-size', '1', '--length', '16', '--loss', 'kld', '--on-policy', '0.5', '--on-policy-temperature', '0.8'],
    ...['--out', join(folder, 'on-policy'), '--json'],
  ])
  const { on_policy, target_states } = json() as Record<string, Record<string, number>>
  expect(on_policy!.share).toBe(0.5)
  expect(on_policy!.acceptance_rate).toBeGreaterThan(0.9) // it is its own target
  expect(target_states).toMatchObject({ computed: 3, from_memory: 1 })
  expect(out).toContain('"on_policy"')
  const { status, err } = await runCli([
    ...['distill', '--target', model, '--draft', model, '--data', join(folder, 'asked.jsonl')],
    ...['--on-policy', '1.5', '--out', join(folder, 'refused')],
  ])
  expect([status, err]).toEqual([2, expect.stringContaining('from 0 to 1')])
})

describe('--parallel', () => {
  it('adapts a draft to propose several tokens at once, says how each position does, and writes what others read', async () => {
    const model = testData('stories260K')
    const text = { prompt: 'Once upon a time', response: ' there was a little girl.' }
    await writeFile(join(folder, 'story.jsonl'), JSON.stringify(text))
    const flags = [
      ...['distill', '--target', model, '--draft', model, '--data', join(folder, 'story.jsonl'), '--steps', '3'],
      ...['--batch-size', '1', '--length', '16', '--loss', 'kld', '--parallel', '3', '--position-weighting', 'decay'],
      ...['--validation', join(folder, 'story.jsonl')],
    ]
    const { json } = await runCli([...flags, '--mask-token', '511', '--out', join(folder, 'named'), '--json'])
    const { parallel, eval_parallel, eval_acceptance_length } = json() as Record<string, Record<string, number[]>>
    expect(parallel!.acceptance_rates![0]).toBeGreaterThan(0.9) // it is its own target
    expect(parallel!.acceptance_rates![2]).toBeLessThan(0.9) // and knows nothing of masks
    expect(eval_parallel!.acceptance_lengths).toHaveLength(3)
    expect(eval_acceptance_length).toEqual({ 3: eval_parallel!.acceptance_lengths![2] })
    const configOf = async (out: string) => JSON.parse(await readFile(join(folder, out, 'config.json'), 'utf8'))
    expect(await configOf('named')).toMatchObject({ pard_token: 511, spd_type: 'pard', vocab_size: 512 })
    const { out, err } = await runCli([...flags, '--out', join(folder, 'added')])
    const said = `${err} ${out}`.replace(/\s+/g, ' ')
    expect(said).toMatch(/Token 512 stands for what is not drafted yet: a row that was added to the embedding\./)
    expect(said).toMatch(/one token more than its target, which vLLM refuses/)
    expect(said).toMatch(/In the last tenth of the steps α by position \d\.\d+ 0\.\d+ 0\.\d+\./)
    expect(await configOf('added')).toMatchObject({ pard_token: 512, spd_type: 'pard', vocab_size: 513 })
  })

  it('is what options of parallel drafts are of', async () => {
    const model = testData('stories260K')
    const { status, err } = await runCli([
      ...['distill', '--target', model, '--draft', model, '--data', join(folder, 'good.jsonl')],
      ...['--mask-token', '7', '--out', join(folder, 'no-parallel')],
    ])
    expect([status, err.replace(/\s+/g, ' ')]).toEqual([
      2,
      expect.stringContaining('--mask-token is of drafts that propose several tokens at once'),
    ])
  })
})
