import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testDevice } from '@outrider/tensor/testing'
import { createDraft, loadCausalLM, saveCausalLM } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundledTarget } from '../demo/bundled-target'
import { runCli } from '../testing/run-cli'
import { draftName, draftSource } from './draft-source'

const folder = mkdtempSync(join(tmpdir(), 'outrider-lookup-'))
const at = (name: string) => join(folder, name)
const model = bundledTarget()
const question = 'Tell me a story about a fox and a kite.'
afterAll(() => rmSync(folder, { recursive: true }))

const complete = (...flags: string[]) =>
  runCli(['complete', '--model', model, '--chat', '--prompt', question, '--max-tokens', '40', ...flags])
const table = (...flags: string[]) => runCli(['table', '--model', model, ...flags])
/** Who drafted, and how much of it was accepted. */
const draftersOf = (json: Record<string, unknown>) =>
  Object.fromEntries(
    (json.speculation as { drafters: { drafter: string; num_accepted_tokens: number }[] }).drafters.map((of) => [
      of.drafter,
      of.num_accepted_tokens,
    ]),
  )

let plain: string
beforeAll(async () => {
  const target = await loadCausalLM(model, { device: await testDevice() })
  const small = createDraft(target, { layers: 1, hiddenSize: 16, seed: 1 })
  await saveCausalLM(small, at('draft'))
  small.dispose()
  target.dispose()
  plain = (await complete('--json')).json().text as string
  const messages = [
    { role: 'user', content: question },
    { role: 'assistant', content: plain },
  ]
  writeFileSync(at('answers.jsonl'), `${JSON.stringify({ messages })}\n`)
})

describe('what --draft names', () => {
  test.each([
    ['lookup', { lookup: true, place: undefined }, 'lookup'],
    ['lookup+./drafts/tiny', { lookup: true, place: './drafts/tiny' }, 'lookup+tiny'],
    ['./lookup', { lookup: false, place: './lookup' }, 'lookup'],
    ['drafts/tiny', { lookup: false, place: 'drafts/tiny' }, 'tiny'],
  ])('%s', (given, source, name) => {
    expect(draftSource(given)).toEqual(source)
    expect(draftName(given)).toBe(name)
  })

  test.each([
    ['lookup+', /names nothing after the \+.*--draft lookup\+DIR/s],
    ['lookup+lookup', /looks up twice/],
    ['lookup+nowhere', /There is no model directory nowhere/],
    ['prompt_lookup', /no model directory prompt_lookup.*Did you mean --draft lookup\?/s],
    ['[ngram]', /Did you mean --draft lookup\?/],
    ['./tiny+lookup', /Did you mean --draft lookup\+\.\/tiny\?/],
    ['lookup:./tiny', /Did you mean --draft lookup\+\.\/tiny\?/],
  ])('%s is refused before anything is loaded, and says what is meant', async (given, message) => {
    const { status, err } = await complete('--draft', given)
    expect(err).toMatch(message)
    expect(err).not.toContain('Adapter')
    expect(status).not.toBe(0)
  })

  test('lookup is no model that could be trained', async () => {
    const distill = ['distill', '--target', model, '--draft', 'lookup', '--data', at('answers.jsonl')]
    expect((await runCli([...distill, '--out', at('new')])).err).toMatch(/There is no model directory lookup/)
  })

  test('a folder with neither a draft nor a table is refused, and so is a table that was cut', async () => {
    mkdirSync(at('empty'))
    expect((await complete('--draft', `lookup+${at('empty')}`)).err).toMatch(/neither a draft.*nor a table of answers/s)
    await table('--data', at('answers.jsonl'), '--out', at('cut'))
    truncateSync(at('cut/answers.bin'), 150)
    const { status, err } = await complete('--draft', `lookup+${at('cut')}`)
    expect(err).toMatch(/cut\/answers\.bin (has \d+ bytes|is no table)/)
    expect(status).toBe(1)
  })

  test('weights of no model have no type', async () => {
    expect((await complete('--draft', 'lookup', '--draft-dtype', 'f32')).err).toContain(
      '--draft-dtype is of no use here',
    )
  })
})

describe('looking up', () => {
  test('gives the words of plain decoding, and says who drafted', async () => {
    const { err } = await complete('--draft', 'lookup', '--draft-length', '3')
    expect(err).toMatch(/accepted: looked up \d+\/\d+/)
    for (const draft of ['lookup', `lookup+${at('draft')}`]) {
      const answer = (await complete('--draft', draft, '--draft-length', '3', '--json')).json()
      expect(answer.text).toBe(plain)
      expect(Object.keys(draftersOf(answer)).sort()).toEqual(draft === 'lookup' ? ['prompt'] : ['model', 'prompt'])
    }
  })

  test('in a table drafts what was answered before: beside a draft, or without one', async () => {
    const made = (await table('--data', at('answers.jsonl'), '--out', at('said'), '--json')).json()
    expect(made).toMatchObject({ answers: 1, out: `${at('said')}/answers.bin` })
    expect(readFileSync(at('said/answers.bin'))).toHaveLength(made.bytes as number)
    expect(made.kept).toBe((made.tokens as number) + 1) // and the end of an answer
    await table('--data', at('answers.jsonl'), '--out', at('draft'))
    for (const place of ['said', 'draft']) {
      const draft = `lookup+${at(place)}`
      const answer = (await complete('--draft', draft, '--draft-length', '3', '--json')).json()
      expect(answer.text).toBe(plain)
      expect(draftersOf(answer).answers).toBeGreaterThan(20)
    }
    // The draft is as it was, for whoever does not look up.
    const alone = (await complete('--draft', at('draft'), '--draft-length', '3', '--json')).json()
    expect(Object.keys(draftersOf(alone))).toEqual(['model'])
  })
})

describe('a table of answers', () => {
  test('keeps the newest of more than it holds, and says so', async () => {
    const { out, err } = await table('--data', at('answers.jsonl'), '--out', at('few'), '--capacity', '10')
    expect(err).not.toMatch(/Adapter/)
    expect(out).toMatch(/1 answers, \d+ tokens, the newest 10 of \d+ kept: .*few\/answers\.bin/)
    expect(out).toContain(`--draft lookup+${at('few')}`)
  })

  test('is not made of nothing, nor of rows that have no answers, nor over its input', async () => {
    writeFileSync(at('none.jsonl'), '')
    writeFileSync(at('asked.jsonl'), `${JSON.stringify({ messages: [{ role: 'user', content: 'Who?' }] })}\n`)
    const made = async (data: string) => (await table('--data', at(data), '--out', at('nothing'))).err
    expect(await made('none.jsonl')).toMatch(/none\.jsonl.*has no answers/)
    expect(await made('asked.jsonl')).toMatch(/asked\.jsonl.*1.*without an assistant/)
    expect(existsSync(at('nothing/answers.bin'))).toBe(false)
    expect((await table('--data', at('answers.jsonl'), '--out', model)).err).toMatch(/inside --model/)
  })
})

describe('--learn', () => {
  const chat = (input: string, ...flags: string[]) =>
    runCli(['chat', '--model', model, '--temperature', '0', '--draft-length', '3', '--max-tokens', '40', ...flags], {
      input,
    })

  test('keeps what was answered for the next chat', async () => {
    mkdirSync(at('learnt'))
    await table('--data', at('answers.jsonl'), '--out', at('learnt'), '--capacity', '2')
    const flags = ['--draft', `lookup+${at('learnt')}`, '--learn', '--json']
    const [first, second] = [(await chat(question, ...flags)).json(), (await chat(question, ...flags)).json()]
    expect(second.messages).toEqual(first.messages)
    expect(draftersOf(second).answers).toBeGreaterThan((draftersOf(first).answers ?? 0) + 10)
  })

  test('has effect within one chat, and none on answers that are drawn by a seed', async () => {
    const again = `${question}\n/new\n${question}`
    const flags = ['--draft', 'lookup', '--learn', '--json']
    expect(draftersOf((await chat(again, ...flags)).json()).answers).toBeGreaterThan(10)
    const drawn = await chat(again, ...flags, '--temperature', '0.2', '--seed', '1')
    expect(Object.keys(draftersOf(drawn.json()))).toEqual(['prompt'])
  })

  test('needs something that is looked up', async () => {
    const { status, err } = await chat(question, '--learn')
    expect(err).toMatch(/--learn adds to what is looked up, and nothing is.*--draft lookup\+DIR/s)
    expect(status).toBe(2)
  })
})
