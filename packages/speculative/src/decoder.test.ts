import { type Device, OutriderError } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import type { GenerationResult } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Block } from './block'
import { SpeculativeDecoder, type SpeculativeDecoderOptions, type SpeculativeGenerateOptions } from './decoder'
import { SpeculationMetrics } from './metrics'
import { letters, TableModel } from './table-model.fixture'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

const size = 6
/** Greedy decoding goes through the alphabet: a b c d e f a … */
const cycle = Array.from({ length: size }, (_, x) =>
  Array.from({ length: size }, (_, y) => (y === (x + 1) % size ? 4 : 0)),
)
/** As the cycle, but after c it believes in a. */
const wrongAfterC = cycle.map((row, x) => (x === 2 ? [4, 0, 0, 0, 0, 0] : row))

function decoderOf({
  draft = cycle,
  eosTokenIds = [] as number[],
  contextLength = 64,
  draftContext = contextLength,
  ...options
}: Partial<SpeculativeDecoderOptions> & {
  draft?: number[][]
  eosTokenIds?: number[]
  contextLength?: number
  draftContext?: number
} = {}) {
  const models = [
    new TableModel(device, cycle, { contextLength }),
    new TableModel(device, draft, { contextLength: draftContext }),
  ]
  const [target, drafter] = models.map((model) => letters(model, { eosTokenIds }))
  const decoder = new SpeculativeDecoder({ target: target!, drafter: drafter!, draftLength: 4, ...options })
  const openCaches = () => models.reduce((sum, model) => sum + model.openCaches, 0)
  return { decoder, openCaches, dispose: () => models.forEach((model) => void model.dispose()) }
}

async function collect(
  decoder: SpeculativeDecoder,
  options: SpeculativeGenerateOptions,
  prompt: string | number[] = 'a',
): Promise<{ blocks: Block[]; result: GenerationResult }> {
  const blocks: Block[] = []
  const generation = decoder.generate(prompt, options)
  for await (const block of generation) blocks.push(block)
  return { blocks, result: await generation.result }
}

describe('blocks', () => {
  it('begin with a plain token, then bring accepted drafts and one token of the target', async () => {
    const { decoder } = decoderOf({ draft: wrongAfterC })
    const { blocks, result } = await collect(decoder, { maxTokens: 12 })
    expect(blocks.map(({ text }) => text)).toEqual(['b', 'cd', 'efabc', 'd', 'efa'])
    expect(blocks[0]).toMatchObject({ sources: ['plain'], drafted: 0, accepted: 0 })
    expect(blocks[1]).toMatchObject({ sources: ['draft', 'correction'], drafted: 4, accepted: 1 })
    expect(blocks[2]).toMatchObject({ sources: ['draft', 'draft', 'draft', 'draft', 'bonus'], drafted: 4, accepted: 4 })
    expect(blocks.map(({ finishReason }) => finishReason)).toEqual([...Array(4), 'length'])
    expect(result).toMatchObject({ text: 'bcdefabcdefa', finishReason: 'length', promptTokens: 1 })
    expect(result.tokens).toEqual(blocks.flatMap(({ tokens }) => tokens))
  })

  it('give their text by token, with what was held back as the tokens that brought it', async () => {
    const { decoder } = decoderOf({ draft: wrongAfterC })
    const { blocks, result } = await collect(decoder, { maxTokens: 12, stop: ['cdefax'] })
    expect(blocks.map(({ text }) => text)).toEqual(['b', '', 'cdefab', '', 'cdefa'])
    const pieces = blocks.flatMap((block) => block.pieces)
    expect(pieces.map(({ text }) => text)).toEqual([...result.text])
    expect(pieces.map(({ index }) => index)).toEqual([...result.text].map((_, i) => i))
    expect(pieces.map(({ source }) => source)).toEqual(blocks.flatMap(({ sources }) => sources))
  })

  it('have the drafted tokens that were refused', async () => {
    const { decoder } = decoderOf({ draft: wrongAfterC })
    const { blocks } = await collect(decoder, { maxTokens: 12 })
    expect(blocks.map(({ rejected }) => rejected)).toEqual([[], [0, 1, 2], [], [0, 1, 2], []])
    for (const { accepted, drafted, rejected } of blocks) expect(accepted + rejected.length).toBe(drafted)
  })

  it('have no refused tokens where the answer ended before them', async () => {
    const { decoder } = decoderOf({ draft: wrongAfterC, eosTokenIds: [2] })
    const { blocks } = await collect(decoder, { maxTokens: 12 })
    expect(blocks.at(-1)).toMatchObject({ tokens: [2], text: '', drafted: 4, accepted: 1, rejected: [] })
  })

  it('cost one readback each', async () => {
    const { decoder } = decoderOf()
    const before = device.counters.readbacks
    const { blocks } = await collect(decoder, { maxTokens: 30, temperature: 1 })
    expect(device.counters.readbacks - before).toBe(blocks.length)
  })

  it('carry what the target thought of each token, and of the likeliest, where that is asked for', async () => {
    const { decoder } = decoderOf({ draft: wrongAfterC })
    const options = { maxTokens: 16, temperature: 1.5, seed: 3 }
    const before = device.memory.liveBytes
    const { blocks, result } = await collect(decoder, { ...options, logProbabilities: 2 })
    expect(device.memory.liveBytes).toBe(before)
    expect(blocks.some(({ sources }) => sources.includes('correction'))).toBe(true)
    const total = Math.log(Math.exp(4) + size - 1)
    let previous = 0
    for (const { token, logProbability, likeliest } of blocks.flatMap(({ scored }) => scored!)) {
      const next = (previous + 1) % size
      expect(logProbability).toBeCloseTo((token === next ? 4 : 0) - total, 5)
      expect(likeliest.map(({ token }) => token)).toEqual([next, next === 0 ? 1 : 0])
      expect(likeliest[0]!.logProbability).toBeCloseTo(4 - total, 5)
      previous = token
    }
    expect(blocks.flatMap(({ scored }) => scored!.map(({ token }) => token))).toEqual(result.tokens)
    const unasked = await collect(decoderOf({ draft: wrongAfterC }).decoder, options)
    expect(unasked.result.tokens).toEqual(result.tokens)
    expect(unasked.blocks.every((block) => !('scored' in block))).toBe(true)
  })

  it('are counted in the metrics', async () => {
    const { decoder } = decoderOf({ draft: wrongAfterC })
    await collect(decoder, { maxTokens: 12 })
    expect(decoder.metrics).toMatchObject({
      numDrafts: 4,
      numDraftTokens: 4 + 4 + 3 + 2,
      numAcceptedTokens: 1 + 4 + 0 + 2,
    })
    expect(decoder.metrics.numAcceptedTokensPerPos).toEqual([3, 2, 1, 1])
    expect(decoder.metrics.blockEfficiency).toBeCloseTo(11 / 4)
    expect(decoder.metrics.acceptanceRatePerPos[0]).toBeCloseTo(3 / 4)
    expect(decoder.metrics.parameterRatio).toBe(1)
  })
})

describe('figures of an answer', () => {
  const delivered = async (options: SpeculativeGenerateOptions, settings: Parameters<typeof decoderOf>[0] = {}) => {
    let clock = 0
    const { decoder } = decoderOf({ now: () => (clock += 0.125), ...settings })
    const { result } = await collect(decoder, options)
    return { result, metrics: decoder.metrics }
  }

  it.each([
    ['an end token inside a block', { maxTokens: 30 }, { eosTokenIds: [3] }, 3],
    ['a stop text inside a block', { maxTokens: 30, stop: ['de'] }, {}, 4],
    ['a stop text across blocks', { maxTokens: 30, stop: ['efab'] }, {}, 7],
    ['the number of tokens', { maxTokens: 30 }, {}, 30],
  ])('count what was delivered, where %s ends it', async (_, options, settings, tokens) => {
    const { result, metrics } = await delivered(options, settings)
    expect(result.tokens).toHaveLength(tokens)
    expect(metrics.numDeliveredTokens).toBe(tokens - 1) // the first comes with the prompt's pass
    expect(metrics.blockEfficiency).toBe((tokens - 1) / metrics.numTargetPasses)
    expect(metrics.meanAcceptanceLength).toBe((tokens - 1) / metrics.numDrafts)
    expect(metrics.numAcceptedTokens).toBeLessThanOrEqual(tokens - 1)
    expect(metrics.numAcceptedTokensPerPos.reduce((a, b) => a + b)).toBe(metrics.numAcceptedTokens)
    expect(metrics.seconds).toBe(result.timings.decodeSeconds)
    expect(metrics.tokensPerSecond).toBe((tokens - 1) / result.timings.decodeSeconds)
  })
})

describe('metrics of one answer', () => {
  it('count its blocks beside those of the decoder', async () => {
    const { decoder } = decoderOf({ draft: wrongAfterC })
    const each = [8, 12].map((maxTokens) => ({ maxTokens, metrics: new SpeculationMetrics({ parameterRatio: 1 }) }))
    for (const options of each) await collect(decoder, options)
    expect(each[1]!.metrics).toMatchObject({ numDrafts: 4, numDraftTokens: 13, numAcceptedTokens: 7 })
    const together = new SpeculationMetrics({ parameterRatio: 1 })
    for (const { metrics } of each) together.add(metrics)
    expect(together.toJSON()).toEqual(decoder.metrics.toJSON())
  })
})

describe('the end of an answer', () => {
  it('is an end token inside a block: it is the last token, without text, and nothing follows', async () => {
    const { decoder, openCaches } = decoderOf({ eosTokenIds: [3] })
    const { blocks, result } = await collect(decoder, { maxTokens: 30 })
    expect(result).toMatchObject({ tokens: [1, 2, 3], text: 'bc', finishReason: 'stop' })
    expect(blocks.at(-1)).toMatchObject({ tokens: [2, 3], text: 'c', drafted: 4, accepted: 2, rejected: [] })
    expect(openCaches()).toBe(0)
  })

  it('is a stop text inside a block or across blocks; none of it leaks', async () => {
    const { decoder } = decoderOf()
    for (const [stop, text] of [
      ['de', 'bc'],
      ['fab', 'bcde'],
      ['b', ''],
      ['fe', 'bcdefabcdefabcdefabc'],
    ] as const) {
      const { blocks, result } = await collect(decoder, { maxTokens: 20, stop: [stop] })
      expect(result.text).toBe(text)
      expect(blocks.map((block) => block.text).join('')).toBe(text)
      expect(result.finishReason).toBe(stop === 'fe' ? 'length' : 'stop')
    }
  })

  it.each([1, 2, 3, 7, 8])('is the number of tokens allowed, %i', async (maxTokens) => {
    const { decoder } = decoderOf()
    const { result } = await collect(decoder, { maxTokens })
    expect(result.tokens.length).toBe(maxTokens)
    expect('bcdefabc'.startsWith(result.text)).toBe(true)
  })

  it('is the end of the context; drafts shrink before it', async () => {
    const { decoder } = decoderOf({ contextLength: 12 })
    const { result } = await collect(decoder, { maxTokens: 100 }, 'abc')
    expect(result).toMatchObject({ text: 'defabcdef', finishReason: 'length' })
  })

  it('does not come with the end of the draft’s context: decoding goes on plainly', async () => {
    const { decoder } = decoderOf({ draftContext: 8 })
    const { blocks, result } = await collect(decoder, { maxTokens: 20 })
    expect(result.text).toBe('bcdefabcdefabcdefabc')
    expect(blocks.at(-1)!.sources).toEqual(['plain'])
    expect(blocks[1]!.drafted).toBe(4)
  })
})

describe('a decoder', () => {
  it('is usable after an abort, and holds nothing of it', async () => {
    const { decoder, openCaches } = decoderOf()
    const controller = new AbortController()
    const reason = new Error('enough')
    const run = async () => {
      for await (const block of decoder.generate('a', { maxTokens: 60, signal: controller.signal }))
        if (block.drafted > 0) controller.abort(reason)
    }
    await expect(run()).rejects.toMatchObject({ code: 'ABORTED', cause: reason })
    expect(openCaches()).toBe(0)
    expect((await collect(decoder, { maxTokens: 4 })).result.text).toBe('bcde')
  })

  it('frees its memory when the caller stops reading', async () => {
    const { decoder, openCaches } = decoderOf()
    for await (const block of decoder.generate('a')) if (block.drafted > 0) break
    expect(openCaches()).toBe(0)
  })

  it('holds no more after 50 answers than after one', async () => {
    const { decoder } = decoderOf({ draft: wrongAfterC })
    const answer = (seed: number) => collect(decoder, { maxTokens: 12, temperature: 1, topP: 0.9, seed })
    await answer(0)
    const { liveBytes, liveBuffers } = device.memory
    for (let seed = 1; seed <= 50; seed++) await answer(seed)
    expect(device.memory).toMatchObject({ liveBytes, liveBuffers })
  })

  it('repeats an answer given the same seed, and not given another', async () => {
    const { decoder } = decoderOf({ draft: wrongAfterC })
    const sample = async (seed: number) => (await collect(decoder, { maxTokens: 40, temperature: 2, seed })).result.text
    expect(await sample(1)).toBe(await sample(1))
    expect(await sample(1)).not.toBe(await sample(2))
  })

  it('measures its costs for an automatic draft length, and gives the same greedy text', async () => {
    const { decoder, openCaches } = decoderOf({ draftLength: 'auto' })
    const { result } = await collect(decoder, { maxTokens: 40 })
    expect(result.text).toBe('bcdefa'.repeat(7).slice(0, 40))
    expect(decoder.metrics.costs!.draftSeconds).toBeGreaterThan(0)
    expect(decoder.metrics.costs!.targetSeconds.map(({ rows }) => rows)).toEqual([1, 2, 3, 4, 5, 8, 9, 16])
    expect(decoder.metrics.plainTokensPerSecond).toBeGreaterThan(0)
    expect(openCaches()).toBe(0)
  })

  it('goes by the costs that it is given and measures none, and by its own once it has measured', async () => {
    const costs = { draftSeconds: 5, targetSeconds: [{ rows: 1, seconds: 1 }] }
    const { decoder } = decoderOf({ draftLength: 'auto', costs })
    const { blocks } = await collect(decoder, { maxTokens: 20 })
    expect(Math.max(...blocks.map(({ drafted }) => drafted))).toBe(0) // too dear
    expect(decoder.metrics).toMatchObject({ costs, costRatio: 5, numTargetPasses: 19 })
    const measured = await decoder.measureCosts()
    expect(decoder.costs).toBe(measured)
    expect(decoder.metrics).toMatchObject({ costs: measured, numTargetPasses: 19 })
  })

  it('refuses what it cannot do, and says how to mend it', async () => {
    expect(() => decoderOf({ draftLength: 16 })).toThrow(/draftLength is 16/)
    expect(() => decoderOf({ draftLength: 2.5 })).toThrow(OutriderError)
    expect(() => decoderOf({ verification: 'tree' as 'token' })).toThrow(/"tree"/)
    const { decoder } = decoderOf()
    await expect(collect(decoder, {}, [])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(collect(decoder, {}, new Array(64).fill(0))).rejects.toMatchObject({ code: 'CONTEXT_OVERFLOW' })
    await expect(collect(decoder, { temperature: -1 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('refuses a draft with another vocabulary, with both sizes', () => {
    const target = letters(new TableModel(device, cycle))
    const drafter = letters(new TableModel(device, cycle), { alphabet: 7 })
    expect(() => new SpeculativeDecoder({ target, drafter })).toThrow(/7 tokens.*against 26 tokens/)
  })
})
