import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testDevice } from '@outrider/tensor/testing'
import { ChatTemplate, type PretrainedModel } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stories } from '../../../transformer/src/stories.fixture'
import { generateDataset } from '../generate/generate-dataset'
import { jsonl } from '../sources/jsonl'
import { tinyModel } from '../tiny-model.fixture'
import { tokenize } from '../tokenize/tokenize'
import { openings } from './openings'
import { type GenerateSeedsOptions, generateSeeds } from './seeds'
import type { SelfWrittenProgress } from './self-written'
import { generateTexts } from './texts'

const folder = mkdtempSync(join(tmpdir(), 'outrider-self-written-'))
const at = (name: string) => join(folder, name)
const read = (name: string) => readFileSync(at(name), 'utf8')
const rowsOf = (name: string) =>
  read(name)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

/** A model that tells stories, and what it tells up to a full stop is taken for a user's message. */
let target: PretrainedModel
let seeds: (name: string, options?: Partial<GenerateSeedsOptions>) => ReturnType<typeof generateSeeds>

beforeAll(async () => {
  const plain = await stories()
  const template = '<s>{% for m in messages %}{{ m.content }}.\n{% endfor %}'
  target = { ...plain, chatTemplate: new ChatTemplate(template) }
  seeds = (name, options) => generateSeeds({ target, count: 8, maxTokens: 48, out: at(name), ...options })
  await seeds('whole.jsonl')
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true }))

describe('generateSeeds', () => {
  it('writes as many instructions as are asked for, no two alike, some after openings of each kind', async () => {
    const rows = rowsOf('whole.jsonl')
    expect(rows).toHaveLength(8)
    const texts: string[] = rows.map(({ messages }) => messages[0].content)
    expect(new Set(texts).size).toBe(8)
    for (const [i, { category, messages, temperature, top_p }] of rows.entries()) {
      expect({ temperature, top_p }).toEqual({ temperature: 1, top_p: 0.95 })
      expect(messages).toEqual([{ role: 'user', content: texts[i] }])
      const known: readonly string[] = Object.values(openings).flat()
      const begins = known.some((opening) => texts[i]!.startsWith(opening.trim()))
      expect(begins, texts[i]).toBe(category !== 'open')
      expect(texts[i]).not.toContain('.\n')
    }
    // Every other group of four attempts begins with an opening, of the tasks in turn.
    expect(rows.map(({ category }) => category)).toEqual(expect.arrayContaining(['open', 'chat']))
  })

  it('gives the same again, side by side in another number too, and another for another seed', async () => {
    await seeds('again.jsonl', { batchSize: 3 })
    expect(read('again.jsonl')).toBe(read('whole.jsonl'))
    await seeds('seed.jsonl', { seed: 1, count: 2 })
    expect(rowsOf('seed.jsonl')[0].messages).not.toEqual(rowsOf('whole.jsonl')[0].messages)
  })

  it('goes on after a stop, or a cut at any byte, and ends in the same bytes', async () => {
    const controller = new AbortController()
    const onProgress = ({ rows }: SelfWrittenProgress) => rows >= 3 && controller.abort()
    await expect(seeds('stopped.jsonl', { signal: controller.signal, onProgress })).rejects.toMatchObject({
      code: 'ABORTED',
      message: expect.stringMatching(/[3-7] of 8 rows/),
    })
    expect(read('whole.jsonl').startsWith(read('stopped.jsonl'))).toBe(true)
    truncateSync(at('stopped.jsonl'), read('stopped.jsonl').length - 5)
    await seeds('stopped.jsonl')
    expect(read('stopped.jsonl')).toBe(read('whole.jsonl'))
  })

  it('adds what a larger number asks for, and leaves the rows of others in their place', async () => {
    const mine = '{"id":"mine","messages":[]}\n'
    writeFileSync(at('grown.jsonl'), mine)
    const first = await seeds('grown.jsonl', { count: 4 })
    expect(first).toMatchObject({ rows: 4, generated: 4, others: 1 })
    expect(await seeds('grown.jsonl')).toMatchObject({ rows: 8, generated: 4, others: 1 })
    expect(read('grown.jsonl')).toBe(mine + read('whole.jsonl'))
    expect(await seeds('grown.jsonl', { count: 3 })).toMatchObject({ rows: 8, generated: 0 })
  })

  it('keeps nothing that did not end, and says how much was left out', async () => {
    let seen: SelfWrittenProgress | undefined
    const made = await seeds('short.jsonl', { count: 2, maxTokens: 14, onProgress: (state) => (seen = state) })
    expect(made.leftOut.unfinished).toBeGreaterThan(0)
    expect(seen).toMatchObject({ rows: 2, total: 2, others: 0, leftOut: made.leftOut })
    expect(seen!.promptTokens).toBeGreaterThan(0)
    for (const { messages } of rowsOf('short.jsonl'))
      expect(target.tokenizer.encode(messages[0].content).length).toBeLessThan(40)
  })

  it('is answered by generateDataset, which keeps the kind of task', async () => {
    const options = {
      target,
      seeds: jsonl(at('whole.jsonl')),
      temperatures: [0],
      maxTokens: 4,
      out: at('answers.jsonl'),
    }
    await generateDataset(options)
    expect(rowsOf('answers.jsonl').map(({ category }) => category)).toEqual(
      rowsOf('whole.jsonl').map(({ category }) => category),
    )
  })

  it('begins texts for a model without a chat template', async () => {
    const { chatTemplate: _, ...plain } = target
    await seeds('base.jsonl', { target: plain, count: 3, maxTokens: 10 })
    const rows = rowsOf('base.jsonl')
    expect(rows.map(({ category }) => category)).toEqual(Array(3).fill('continuation'))
    for (const { messages } of rows) expect(messages[0].content.split(' ').length).toBeGreaterThanOrEqual(3)
  })

  it('says what is wrong of a target that writes nothing of use, and of options out of range', async () => {
    const noise = tinyModel(await testDevice())
    // An opening of ours that ends at once is nothing that the target wrote.
    const writing = generateSeeds({ target: noise, count: 1, openingShare: 1, maxTokens: 4, out: at('noise.jsonl') })
    await expect(writing).rejects.toThrow(/tiny was let write instructions 74 times, and none could be kept \(\d+ /)
    noise.dispose()
    await expect(seeds('no.jsonl', { count: 0 })).rejects.toThrow(/count is 0/)
    await expect(seeds('no.jsonl', { openingShare: 2 })).rejects.toThrow(/openingShare is 2/)
    await expect(seeds('no.jsonl', { scripts: ['Klingon'] })).rejects.toThrow(/"Klingon" is no script/)
  })
})

describe('generateTexts', () => {
  const texts = (name: string, count: number) => generateTexts({ target, count, maxTokens: 40, out: at(name) })

  it('writes texts from the token that begins one, which are read as text to pretrain on', async () => {
    expect(await texts('texts.jsonl', 4)).toMatchObject({ rows: 4, generated: 4, others: 0 })
    const rows = rowsOf('texts.jsonl')
    for (const { text, finish_reason } of rows) {
      expect(text.split(/\s+/).length).toBeGreaterThanOrEqual(8)
      expect(['stop', 'length']).toContain(finish_reason)
    }
    const tokens = (await tokenize(jsonl(at('texts.jsonl')), target, 16)).reduce(
      (sum, { tokens }) => sum + tokens.length,
      0,
    )
    expect(tokens).toBeGreaterThan(100)
  })

  it('goes on where it was, to the same bytes', async () => {
    await texts('resumed.jsonl', 1)
    await texts('resumed.jsonl', 4)
    expect(read('resumed.jsonl')).toBe(read('texts.jsonl'))
  })

  it('holds no more memory on the device after than before', async () => {
    const { memory } = target.model.device
    const before = memory.liveBytes
    await texts('memory.jsonl', 2)
    expect(memory.liveBytes).toBe(before)
  })
})
