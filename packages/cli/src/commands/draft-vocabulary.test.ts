import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testData } from '@outrider/test-data'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../testing/run-cli'

const target = testData('stories260K')
let folder: string
const at = (name: string) => join(folder, name)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outrider-vocabulary-'))
  const answers = ['a little girl', 'upon a time there was a little dog'].map((response) => ({
    prompt: 'Once',
    response,
  }))
  await writeFile(at('answers.jsonl'), answers.map((row) => `${JSON.stringify(row)}\n`).join(''))
  await writeFile(at('text.txt'), 'Once upon a time there was a little girl. '.repeat(20))
})
afterAll(() => rm(folder, { recursive: true }))

const idsOf = async (directory: string) =>
  JSON.parse(await readFile(join(directory, 'draft_vocabulary.json'), 'utf8')) as { vocab_size: number; ids: number[] }
const counted = () => ['--data', at('answers.jsonl'), '--draft-vocabulary', '40']
const sizes = ['--layers', '1', '--hidden-size', '16', '--heads', '2', '--batch-size', '2', '--length', '16']
const pretraining = (...rest: string[]) =>
  runCli(['pretrain', '--target', target, '--text', at('text.txt'), ...sizes, '--steps', '1', ...rest, '--json'])

describe('--draft-vocabulary', () => {
  it('makes a draft that says the ids that answers say, which is evaluated, learns on and keeps its list', async () => {
    const draft = at('draft')
    const begun = await pretraining(...counted(), '--untied-head', '--out', draft)
    expect(begun.status, begun.err).toBe(0)
    const list = await idsOf(draft)
    expect(list).toEqual({ vocab_size: 512, ids: expect.any(Array) })
    expect(list.ids).toHaveLength(40)

    const aligned = at('aligned')
    const distilled = await runCli([
      ...['distill', '--target', target, '--draft', draft, '--data', at('answers.jsonl'), '--steps', '1'],
      ...['--batch-size', '2', '--length', '16', '--loss', 'kld', '--out', aligned],
    ])
    expect(distilled.status, distilled.err).toBe(0)
    expect(distilled.err.replace(/\s+/g, ' ')).toContain('vocabulary 512, of which it says 40')
    expect(await idsOf(aligned)).toEqual(list)

    const answer = async (...rest: string[]) => {
      const flags = ['--model', target, '--prompt', 'Once upon', '--max-tokens', '12', ...rest, '--json']
      const completed = await runCli(['complete', ...flags])
      expect(completed.status, completed.err).toBe(0)
      return completed.json().text
    }
    expect(await answer('--draft', aligned, '--draft-length', '3')).toBe(await answer())
  })

  it("begins such a draft with the target's embedding, unless it is to be random", async () => {
    const weights = async (name: string, ...rest: string[]) => {
      const { status, err } = await pretraining(...counted(), ...rest, '--out', at(name))
      expect(status, err).toBe(0)
      return (await readFile(join(at(name), 'model.safetensors'))).toString('base64')
    }
    const unsaid = await weights('unsaid')
    expect(unsaid).toBe(await weights('projected', '--embedding', 'target'))
    expect(unsaid).not.toBe(await weights('random', '--embedding', 'random'))
  })

  it('trims a draft that is there: exported, or as it begins to learn', async () => {
    const trimmed = at('trimmed')
    const exported = await runCli(['export', '--model', target, ...counted(), '--out', trimmed, '--json'])
    expect(exported.status, exported.err).toBe(0)
    expect(exported.json()).toMatchObject({ vocabulary: 40, skipped_rows: 0 })
    const { ids } = await idsOf(trimmed)
    const distilled = await runCli([
      ...['distill', '--target', target, '--draft', target, ...counted(), '--steps', '1', '--batch-size', '2'],
      ...['--length', '16', '--out', at('learned')],
    ])
    expect(distilled.status, distilled.err).toBe(0)
    expect((await idsOf(at('learned'))).ids).toEqual(ids)
  })

  it('of a run is that with which it goes on', async () => {
    const run = at('run')
    expect((await pretraining(...counted(), '--out', run)).status).toBe(0)
    const resumed = await pretraining(...counted().with(-1, '41'), '--out', run, '--resume')
    expect(resumed.status).toBe(2)
    expect(resumed.err).toMatch(/coveredIds was "40 ids/)
  })

  it.each<[string, () => string[], RegExp]>([
    ['without answers', () => ['--draft-vocabulary', '40'], /counts the ids of --data, which is missing/],
    ['and no number of them, with answers', () => ['--data', at('answers.jsonl')], /--data is counted for/],
    ['too small for the ends', () => counted().with(-1, '1'), /at least 2/],
  ])('%s is refused', async (_, flags, message) => {
    const { status, err } = await pretraining(...flags(), '--out', at('refused'))
    expect(status).not.toBe(0)
    expect(err.replace(/\s+/g, ' ')).toMatch(message)
  })

  it('a list that was changed by hand is refused by the line of it that is wrong', async () => {
    const broken = at('broken')
    await cp(at('trimmed'), broken, { recursive: true })
    const { ids } = await idsOf(broken)
    await writeFile(join(broken, 'draft_vocabulary.json'), JSON.stringify({ vocab_size: 512, ids: [...ids].reverse() }))
    const { status, err } = await runCli(['complete', '--model', target, '--draft', broken, '--prompt', 'Once'])
    expect(status).toBe(1)
    expect(err.replace(/\s+/g, ' ')).toMatch(/draft_vocabulary\.json: ids\[1\] is \d+ after \d+; ids must ascend/)
  })
})
