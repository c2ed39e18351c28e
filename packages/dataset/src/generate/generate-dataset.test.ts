import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testDevice } from '@outrider/tensor/testing'
import { answerEach, contentHash, memoryDirectory, type PretrainedModel } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAiTarget } from '../endpoint/openai-target'
import { badRows } from '../formats/bad-rows'
import { jsonl } from '../sources/jsonl'
import { rows } from '../sources/rows'
import { chatSpeaker, tinyModel } from '../tiny-model.fixture'
import { promptOf } from '../tokenize/example'
import { tokenize } from '../tokenize/tokenize'
import type { DraftOfRows } from './draft-of-rows'
import {
  type GenerateDatasetOptions,
  type GeneratedRow,
  type GenerationProgress,
  generateDataset,
} from './generate-dataset'
import { gridOptions } from './grid.fixture'
import { generatedRows } from './row-file'

const folder = mkdtempSync(join(tmpdir(), 'outrider-generate-'))
const read = (path: string) => readFileSync(path, 'utf8')
const rowsOf = (path: string) =>
  read(path)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as GeneratedRow)

const saidIn = (found: GeneratedRow[]) => found.reduce((sum, { completion_ids }) => sum + completion_ids!.length, 0)

let target: PretrainedModel
/** What there is nothing of where the target is here. */
const allAnswered = { withoutIds: 0, failed: 0 }
/** A whole dataset, never interrupted, and its file. */
let whole: string
const wholePath = join(folder, 'whole.jsonl')
const generate = (name: string, options: Partial<GenerateDatasetOptions> = {}) =>
  generateDataset({ ...gridOptions, target, out: join(folder, name), ...options })

beforeAll(async () => {
  target = tinyModel(await testDevice())
  await generate('whole.jsonl')
  whole = read(wholePath)
})
afterAll(() => {
  target.dispose()
  rmSync(folder, { recursive: true })
})

describe('generateDataset', () => {
  it('answers every instruction at every temperature, in their order, with what the instruction said', async () => {
    const found = rowsOf(wholePath)
    expect(found.map(({ question, temperature }) => [question, temperature])).toEqual(
      Array.from({ length: 30 }, (_, i) => [Math.floor(i / 3), [0, 0.5, 1][i % 3]]),
    )
    expect(new Set(found.map(({ id }) => id)).size).toBe(30)
    for (const row of found) {
      expect(row).toMatchObject({ category: 'open', top_p: 0.95 })
      expect(row.messages.map(({ role }) => role)).toEqual(['user', 'assistant'])
      expect(['stop', 'length']).toContain(row.finish_reason)
    }
    expect(await tokenize(jsonl(wholePath), chatSpeaker, 64)).toHaveLength(30)
  })

  it('gives the same bytes again, with another batch size too', async () => {
    expect(await generate('again.jsonl')).toEqual({ rows: 30, generated: 30, others: 0, ...allAnswered })
    expect(read(join(folder, 'again.jsonl'))).toBe(whole)
    await generate('wider.jsonl', { batchSize: 32 })
    const answers = (path: string) => rowsOf(path).map(({ id, messages }) => [id, messages[1]!.content])
    expect(answers(join(folder, 'wider.jsonl'))).toEqual(answers(wholePath))
  })

  it('hands every new row on once it is written, in order, with the prompt that it answers', async () => {
    const told: GeneratedRow[] = []
    await generate('told.jsonl', {
      async onRow(row, prompt) {
        await null
        told.push(row)
        expect(rowsOf(join(folder, 'told.jsonl')).slice(0, told.length)).toEqual(told)
        expect(prompt).toEqual(promptOf(chatSpeaker, row.messages.slice(0, -1)))
      },
    })
    expect(told).toHaveLength(30)
    await generate('told.jsonl', { onRow: () => expect.fail('nothing is new') })
  })

  it('draws otherwise for another seed, and several times where samples are asked for', async () => {
    const one = { seeds: rows([{ kind: 'text', text: 'Why?' }]), temperatures: [0, 1] }
    await generate('samples.jsonl', { ...one, samples: 3 })
    const found = rowsOf(join(folder, 'samples.jsonl'))
    expect(found.map(({ temperature }) => temperature)).toEqual([0, 1, 1, 1])
    expect(new Set(found.map(({ messages }) => messages[1]!.content)).size).toBe(4)
    await generate('seed.jsonl', { ...one, seed: 1 })
    const other = rowsOf(join(folder, 'seed.jsonl'))
    expect(other[0]!.messages).toEqual(found[0]!.messages)
    expect(other[1]!.messages).not.toEqual(found[1]!.messages)
  })

  it('asks the last question of a conversation again, and the same question once', async () => {
    const messages = [
      { role: 'user', content: 'A' },
      { role: 'assistant', content: 'B' },
      { role: 'user', content: 'C' },
      { role: 'assistant', content: 'D' },
    ]
    const row = { kind: 'conversation' as const, messages, metadata: {} }
    await generate('turns.jsonl', { seeds: rows([row, row]), temperatures: [0] })
    const found = rowsOf(join(folder, 'turns.jsonl'))
    expect(found).toHaveLength(1)
    expect(found[0]!.messages.slice(0, 3)).toEqual(messages.slice(0, 3))
    expect(found[0]!.messages).toHaveLength(4)
  })

  it('goes on after a stop, and ends in the same bytes', async () => {
    const controller = new AbortController()
    const stopped = generate('stopped.jsonl', {
      signal: controller.signal,
      onProgress: ({ rows }) => rows >= 8 && controller.abort(),
    })
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED', message: expect.stringContaining('8 of 30 rows') })
    expect(read(join(folder, 'stopped.jsonl'))).toBe(whole.split('\n').slice(0, 8).join('\n').concat('\n'))
    expect(await generate('stopped.jsonl')).toEqual({ rows: 30, generated: 22, others: 0, ...allAnswered })
    expect(read(join(folder, 'stopped.jsonl'))).toBe(whole)
  })

  it('completes a file that was cut at any byte', async () => {
    const path = join(folder, 'cut.jsonl')
    const lines = whole.split('\n')
    for (const at of [0, 1, lines[0]!.length, lines[0]!.length + 1, Math.floor(whole.length / 2), whole.length - 1]) {
      writeFileSync(path, whole)
      truncateSync(path, at)
      await generate('cut.jsonl')
      expect(read(path)).toBe(whole)
    }
  })

  it('writes into any directory, and completes there what was torn in the middle of a letter', async () => {
    const out = { directory: memoryDirectory(), file: 'rows.jsonl' }
    const turtles = rows([{ kind: 'text', text: 'Wie heißt die 🐢?' }])
    await generateDataset({ ...gridOptions, target, seeds: turtles, out })
    const bytes = await out.directory.read(out.file)
    const turtle = bytes.lastIndexOf(0xf0)
    expect(turtle).toBeGreaterThan(0)
    await out.directory.write(out.file, bytes.subarray(0, turtle + 2))
    await generateDataset({ ...gridOptions, target, seeds: turtles, out })
    expect(await out.directory.read(out.file)).toEqual(bytes)
    expect(await tokenize(jsonl(out), chatSpeaker, 64)).toHaveLength(3)
  })

  it('keeps the tokens of every answer, and those are what is learned', async () => {
    const found = rowsOf(wholePath)
    const examples = await tokenize(jsonl(wholePath), chatSpeaker, 95)
    for (const [i, { completion_ids, finish_reason }] of found.entries()) {
      const { tokens, lossMask } = examples[i]!
      expect(tokens.filter((_, at) => lossMask[at])).toEqual(completion_ids)
      expect(completion_ids!.includes(257)).toBe(finish_reason === 'stop')
    }
  })

  it('keeps nothing of how an earlier answer ended where it is answered anew', async () => {
    const path = join(folder, 'answered.jsonl')
    writeFileSync(
      path,
      '{"prompt":"A","completion":"B","completion_ids":[66],"stop_reason":"max_tokens","finish_reason":"length","topic":"x"}',
    )
    await generate('anew.jsonl', { seeds: jsonl(path), temperatures: [0] })
    const [row] = rowsOf(join(folder, 'anew.jsonl'))
    expect(row).toMatchObject({ topic: 'x' })
    expect(row).not.toHaveProperty('stop_reason')
    expect(row!.completion_ids).not.toEqual([66])
  })

  it('adds what a larger grid asks for, and does nothing where nothing is missing', async () => {
    expect(await generate('whole.jsonl')).toEqual({ rows: 30, generated: 0, others: 0, ...allAnswered })
    expect(read(wholePath)).toBe(whole)
    writeFileSync(join(folder, 'grown.jsonl'), whole)
    expect(await generate('grown.jsonl', { temperatures: [0, 0.5, 1, 1.5] })).toEqual({
      rows: 40,
      generated: 10,
      others: 0,
      ...allAnswered,
    })
  })

  it('counts the rows of the file, and tells those of other settings, instructions and targets before it begins', async () => {
    const path = join(folder, 'others.jsonl')
    const few = { seeds: rows([{ kind: 'text', text: 'Why?' }]), temperatures: [0, 1] }
    await generate('others.jsonl', few)
    const seen: GenerationProgress[] = []
    const onProgress = (progress: GenerationProgress) => seen.push(progress)
    const settings = { ...few, maxTokens: 5, onProgress }
    expect(await generate('others.jsonl', settings)).toEqual({ rows: 4, generated: 2, others: 2, ...allAnswered })
    expect(seen[0]).toMatchObject({ rows: 0, total: 2, others: 2, tokens: 0, promptTokens: 0 })
    expect(seen.at(-1)).toMatchObject({ rows: 2, total: 2, others: 2, promptTokens: 9 }) // one prompt, read once
    expect(seen.at(-1)!.tokens).toBe(saidIn(rowsOf(path).slice(2)))
    const norm = target.model.parameters['model.norm.weight']!
    const values = (await norm.data()) as Float32Array
    norm.write(values.map((value) => value * 2))
    try {
      expect(await generate('others.jsonl', few)).toEqual({ rows: 6, generated: 2, others: 4, ...allAnswered })
    } finally {
      norm.write(values)
    }
    expect(await generate('others.jsonl', few)).toEqual({ rows: 6, generated: 0, others: 4, ...allAnswered })
    appendFileSync(path, read(path))
    expect(await generate('others.jsonl', few)).toEqual({ rows: 12, generated: 0, others: 10, ...allAnswered })
  })

  it('goes on with a file of version 0.1, which knew its rows without the weights', async () => {
    const path = join(folder, 'older.jsonl')
    const messages = [{ role: 'user', content: 'Why?' }]
    const { config, source } = target
    const model = { vocabulary: target.tokenizer.fingerprint, config, source }
    const asked = { messages, temperature: 0, topP: 0.95, maxTokens: 6, sample: 0, seed: 0, model }
    writeFileSync(path, `${JSON.stringify({ id: await contentHash(asked), messages })}\n`)
    const older = { seeds: rows([{ kind: 'text', text: 'Why?' }]), temperatures: [0] }
    expect(await generate('older.jsonl', older)).toEqual({ rows: 1, generated: 0, others: 0, ...allAnswered })
  })

  describe('with a draft', () => {
    /** Answers as the target does, with other seeds: greedily that is the same. */
    const drafting = (name: string): DraftOfRows => ({
      identity: async () => ({ name }),
      answerEach: (model, requests, options) =>
        answerEach(
          model,
          [...requests].map((request) => ({ ...request, seed: request.seed! + 1 })),
          options,
        ),
    })

    it('has the same greedy rows, and draws others that are known by what they were drawn with', async () => {
      await generate('drafted.jsonl', { draft: drafting('one') })
      const [found, plain] = ['drafted.jsonl', 'whole.jsonl'].map((name) => rowsOf(join(folder, name)))
      for (const [i, row] of found!.entries())
        if (row.temperature === 0) expect(row).toEqual(plain![i])
        else {
          expect(row.id).not.toBe(plain![i]!.id)
          expect(row.completion_ids).not.toEqual(plain![i]!.completion_ids)
        }
    })

    it('goes on where it was with the same draft, and tells of the rows of others and of none', async () => {
      const made = read(join(folder, 'drafted.jsonl'))
      const again = { rows: 30, generated: 0, others: 0, ...allAnswered }
      expect(await generate('drafted.jsonl', { draft: drafting('one') })).toEqual(again)
      expect(read(join(folder, 'drafted.jsonl'))).toBe(made)
      const other = { rows: 50, generated: 20, others: 20, ...allAnswered }
      expect(await generate('drafted.jsonl', { draft: drafting('other') })).toEqual(other)
      expect(await generate('drafted.jsonl')).toEqual({ ...other, rows: 70, others: 40 })
    })

    it('is refused for a target that answers elsewhere', async () => {
      const elsewhere = openAiTarget({ baseUrl: 'http://127.0.0.1:9', model: 'big' })
      await expect(generate('no.jsonl', { target: elsewhere, draft: drafting('one') })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('answers elsewhere'),
      })
    })
  })

  it('leaves a file alone that is not its own', async () => {
    for (const content of [
      '{"text":"mine"}\n',
      'notes\nmore notes\n',
      'one line',
      '{"text":"mine, without a line break"}',
    ]) {
      const path = join(folder, 'mine.jsonl')
      writeFileSync(path, content)
      await expect(generate('mine.jsonl')).rejects.toThrow(/(line 1|The end of).*was not written by generateDataset/)
      expect(read(path)).toBe(content)
    }
  })

  it('says what cannot be: no instruction, no such folder, a prompt past the context', async () => {
    await expect(generate('none.jsonl', { seeds: rows([]) })).rejects.toThrow(/no instruction to answer/)
    await expect(generate('whole.jsonl/inside.jsonl')).rejects.toMatchObject({ code: 'FILE_WRITE' })
    const long = rows([{ kind: 'text', text: 'x'.repeat(200) }])
    await expect(generate('long.jsonl', { seeds: long })).rejects.toThrow(/context/)
  })

  it('names the seed that cannot be asked before anything is generated, or passes over it', async () => {
    const path = join(folder, 'seeds.jsonl')
    const seeds = [{ prompt: 'A' }, { prompt: 'x'.repeat(200) }, { input_ids: [5] }, { prompt: 'B' }]
    writeFileSync(path, seeds.map((seed) => JSON.stringify(seed)).join('\n'))
    await expect(generate('seeded.jsonl', { seeds: jsonl(path) })).rejects.toMatchObject({
      code: 'CONTEXT_OVERFLOW',
      message: expect.stringMatching(/seeds\.jsonl, line 2: The prompt has/),
    })
    expect(existsSync(join(folder, 'seeded.jsonl'))).toBe(false)
    const passing = () => ({ seeds: jsonl(path, { badRows: badRows(2) }), temperatures: [0, 1] })
    expect(await generate('seeded.jsonl', passing())).toEqual({ rows: 4, generated: 4, others: 0, ...allAnswered })
    const made = read(join(folder, 'seeded.jsonl'))
    // A row is known by what it asks: mending or leaving out a bad one changes no other.
    writeFileSync(path, [seeds[0], seeds[3]].map((seed) => JSON.stringify(seed)).join('\n'))
    expect(await generate('seeded.jsonl', { ...passing(), seeds: jsonl(path) })).toEqual({
      rows: 4,
      generated: 0,
      others: 0,
      ...allAnswered,
    })
    expect(read(join(folder, 'seeded.jsonl'))).toBe(made)
  })

  it('says how many rows a file has, and whose it is, without a target', async () => {
    expect(await generatedRows(wholePath)).toBe(30)
    expect(await generatedRows(join(folder, 'none-yet.jsonl'))).toBe(0)
    expect(existsSync(join(folder, 'none-yet.jsonl'))).toBe(false)
    writeFileSync(join(folder, 'mine.jsonl'), '{"text":"mine"}\n')
    await expect(generatedRows(join(folder, 'mine.jsonl'))).rejects.toThrow(
      /line 1.*was not written by generateDataset/,
    )
  })

  it('holds no more memory on the device after than before', async () => {
    const { memory } = target.model.device
    const before = memory.liveBytes
    await generate('memory.jsonl')
    expect(memory.liveBytes).toBe(before)
  })
})

describe('a killed generation', () => {
  const child = fileURLToPath(new URL('generate.test-child.ts', import.meta.url))
  const loader = ['--conditions=@outrider/source', '--import', '@outrider/build/source']

  /** Runs it in a process; kills it `delay` ms after it has so many rows. */
  const run = (path: string, killAt = Number.POSITIVE_INFINITY, delay = 0) =>
    new Promise<number | null>((resolve, reject) => {
      const process_ = spawn(process.execPath, [...loader, child, path], { stdio: ['ignore', 'pipe', 'inherit'] })
      process_.on('error', reject)
      process_.on('exit', (code) => resolve(code))
      process_.stdout.on('data', (data: Buffer) => {
        if (Number(data.toString().trim().split('\n').at(-1)) >= killAt)
          setTimeout(() => process_.kill('SIGKILL'), delay)
      })
    })

  it('loses no row, doubles none, and ends in the same bytes', async () => {
    const path = join(folder, 'killed.jsonl')
    for (const [rows, delay] of [
      [4, 3],
      [12, 20],
      [20, 0],
    ] as const)
      expect(await run(path, rows, delay)).toBeNull()
    appendFileSync(path, '{"id":"torn') // as a kill in the middle of a write leaves it
    expect(await run(path)).toBe(0)
    expect(read(path)).toBe(whole)
  }, 240_000)
})
