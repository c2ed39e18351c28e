import { type Batch, toBatch } from '@outrider/dataset'
import { type Device, readAll } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { createDraft, generate, type PretrainedModel } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { referenceLogits } from '../../../transformer/src/model/reference-decoder.fixture'
import { tinyModel } from '../../../transformer/src/pretrained/tiny-model.fixture'
import { smallEnough } from '../loop/float64.fixture'
import type { StepBatch } from '../loop/objective'
import { drawAnswers } from './draw-answers'

const sampling = { temperature: 1, topK: 0, topP: 1, seed: 4, number: 0 }

let device: Device
let draft: PretrainedModel
beforeAll(async () => {
  device = await testDevice()
  draft = tinyModel(device, { ...smallEnough, initializerRange: 0.6, seed: 5 })
})

/** A row of prompts and answers in turn, `learned` where they are answers. */
const row = (...parts: { said: number[]; learned?: boolean }[]) => ({
  tokens: parts.flatMap(({ said }) => said),
  lossMask: parts.flatMap(({ said, learned }) => said.map(() => (learned ? 1 : 0))),
})

/** Rows of a batch as tokens, padding left out, and which of them count. */
const rowsOf = ({ tokens, labels, lossMask, batchSize, length }: Batch) =>
  Array.from({ length: batchSize }, (_, i) => {
    const counts = [0, ...lossMask.subarray(i * length, (i + 1) * length)]
    const end = counts.lastIndexOf(1) + 1
    const said = [tokens[i * length]!, ...labels.subarray(i * length, (i + 1) * length)]
    return { tokens: said.slice(0, end), lossMask: counts.slice(0, end) }
  })

describe('answers that the draft draws', () => {
  it('have its distribution (χ² against float64, two tokens)', async () => {
    const { vocabularySize } = smallEnough
    const prompt = [1, 4, 2]
    const names = Object.keys(draft.model.parameters)
    const values = (await readAll(Object.values(draft.model.parameters))) as Float32Array[]
    const weights = Object.fromEntries(names.map((name, i) => [name, values[i]!]))
    const config = { ...smallEnough, initializerRange: 0.6 }
    const next = (tokens: number[]) => {
      const masses = referenceLogits(config, weights, tokens).at(-1)!.map(Math.exp)
      const total = masses.reduce((a, b) => a + b, 0)
      return masses.map((mass) => mass / total)
    }
    const first = next(prompt)
    const expected = first.flatMap((p, a) => next([...prompt, a]).map((q) => p * q))

    const batch = toBatch(Array.from({ length: 64 }, () => row({ said: prompt }, { said: [3, 3], learned: true })))
    const observed = expected.map(() => 0)
    const batches = 16
    for (let number = 0; number < batches; number++) {
      const [drawn] = await drawAnswers(draft, batch, { ...sampling, number })
      for (const { tokens } of rowsOf(drawn!)) observed[tokens[3]! * vocabularySize + tokens[4]!]!++
    }
    const total = 64 * batches
    let rare = { observed: 0, expected: 0 }
    let score = 0
    let cells = 0
    const add = (found: { observed: number; expected: number }) => {
      score += (found.observed - found.expected) ** 2 / found.expected
      cells++
    }
    for (const [i, p] of expected.entries()) {
      const cell = { observed: observed[i]!, expected: p * total }
      if (cell.expected >= 5) add(cell)
      else rare = { observed: rare.observed + cell.observed, expected: rare.expected + cell.expected }
    }
    if (rare.expected >= 5) add(rare)
    expect(cells).toBeGreaterThan(20)
    expect((score - (cells - 1)) / Math.sqrt(2 * (cells - 1))).toBeLessThan(3)
  })

  it('stand behind the prompt of their row, as long as its answer at most, and alone are learnt', async () => {
    const batch = toBatch([
      row({ said: [1, 4, 2, 9] }, { said: [3, 3, 3, 3, 3, 3, 3], learned: true }),
      row({ said: [7, 5] }, { said: [6, 6], learned: true }, { said: [8] }),
    ])
    const found = await drawAnswers(draft, batch, sampling)
    expect(found).toHaveLength(1)
    expect(found[0]!.drawn).toBe(true)
    const rows = rowsOf(found[0]!)
    expect(rows.map(({ tokens }) => tokens.slice(0, 4)[0])).toEqual([1, 7])
    expect(rows[0]!.tokens.slice(0, 4)).toEqual([1, 4, 2, 9])
    expect(rows.map(({ lossMask }) => lossMask.join(''))).toEqual(['00001111111', '0011'])
  })

  it('end where the draft ends', async () => {
    const ending = { ...draft, generationConfig: { ...draft.generationConfig, eosTokenIds: [0, 1, 2, 3, 4, 5] } }
    const batch = toBatch(
      Array.from({ length: 8 }, () =>
        row({ said: [1, 4] }, { said: Array.from({ length: 12 }, () => 3), learned: true }),
      ),
    )
    const [drawn] = await drawAnswers(ending as PretrainedModel, batch, sampling)
    const ends = rowsOf(drawn!).map(({ tokens }) => tokens.slice(2).findIndex((id) => id <= 5) + 1)
    expect(rowsOf(drawn!).map(({ tokens }) => tokens.length - 2)).toEqual(ends)
    expect(new Set(ends).size).toBeGreaterThan(1)
  })

  it('are those that generate gives, greedily', async () => {
    const prompts = [
      [1, 4, 2],
      [9, 8, 7, 6, 5],
    ]
    const batch = toBatch(prompts.map((said) => row({ said }, { said: [3, 3, 3, 3], learned: true })))
    const [drawn] = await drawAnswers(draft, batch, { ...sampling, temperature: 0 })
    for (const [i, prompt] of prompts.entries()) {
      const { tokens } = await generate(draft, prompt, { maxTokens: 4 }).result
      expect(rowsOf(drawn!)[i]!.tokens).toEqual([...prompt, ...tokens])
    }
  })

  it('differ by seed, batch and row, and by nothing else', async () => {
    const example = row({ said: [1, 4] }, { said: Array.from({ length: 10 }, () => 3), learned: true })
    const batch = toBatch([example, example])
    const draw = async (options: object) => {
      const [drawn] = await drawAnswers(draft, batch, { ...sampling, ...options })
      return rowsOf(drawn!).map(({ tokens }) => tokens.join())
    }
    const found = await draw({})
    expect(await draw({})).toEqual(found)
    const all = [...found, ...(await draw({ number: 1 })), ...(await draw({ seed: 5 }))]
    expect(new Set(all).size).toBe(6)
  })

  it('are of one of several turns, each now and then, behind what was said before it', async () => {
    const example = row(
      { said: [1, 4] },
      { said: [3, 3], learned: true },
      { said: [9] },
      { said: [6, 6, 6], learned: true },
    )
    const masks = new Set<string>()
    for (let number = 0; number < 8; number++) {
      const [drawn] = await drawAnswers(draft, toBatch([example]), { ...sampling, number })
      const [{ tokens, lossMask }] = rowsOf(drawn!) as [{ tokens: number[]; lossMask: number[] }]
      masks.add(lossMask.join(''))
      const begin = lossMask.indexOf(1)
      expect(tokens.slice(0, begin)).toEqual(example.tokens.slice(0, begin))
    }
    expect([...masks].sort()).toEqual(['00000111', '0011'])
  })

  it('are none of rows without a prompt, which come as they are, apart', async () => {
    const text = row({ said: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], learned: true })
    const asked = row({ said: [1, 4] }, { said: [3], learned: true })
    const texts = toBatch([text, text])
    expect(await drawAnswers(draft, texts, sampling)).toEqual([texts])
    const mixed = toBatch([text, asked, text])
    const [drawn, others] = (await drawAnswers(draft, mixed, sampling)) as [StepBatch, StepBatch]
    expect([drawn.batchSize, drawn.drawn, others.drawn]).toEqual([1, true, undefined])
    expect(others).toEqual({ ...texts, length: mixed.length })
  })

  it('are none where a prompt fills the context', async () => {
    const { contextLength } = smallEnough
    const prompt = Array.from({ length: contextLength }, (_, i) => i % 10)
    const full = toBatch([row({ said: prompt }, { said: [3], learned: true })])
    expect(await drawAnswers(draft, full, sampling)).toEqual([full])
    const almost = toBatch([row({ said: prompt.slice(1) }, { said: [3, 3], learned: true })])
    const [drawn] = await drawAnswers(draft, almost, sampling)
    expect(rowsOf(drawn!)[0]!.tokens).toHaveLength(contextLength)
  })

  it('say only what a trimmed draft covers', async () => {
    const target = tinyModel(device)
    const vocabulary = [97, 98, 99, 257]
    const trimmed = createDraft(target, { layers: 1, hiddenSize: 16, heads: 2, vocabulary, seed: 7 })
    const batch = toBatch([row({ said: [65, 66] }, { said: Array.from({ length: 20 }, () => 3), learned: true })])
    const [drawn] = await drawAnswers(trimmed, batch, sampling)
    const said = new Set(rowsOf(drawn!)[0]!.tokens.slice(2))
    expect(said.size).toBeGreaterThan(1)
    for (const id of said) expect(vocabulary).toContain(id)
    for (const model of [trimmed, target]) model.dispose()
  })
})
