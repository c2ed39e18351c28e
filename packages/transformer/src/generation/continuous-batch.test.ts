import { halfToFloat } from '@outrider/tensor/internal'
import { testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { randomModel } from '../pretrained/families.fixture'
import type { PretrainedModel } from '../pretrained/index'
import { stories, storiesReference } from '../stories.fixture'
import { type BatchSequence, ContinuousBatch } from './continuous-batch'
import { type GenerateOptions, generate } from './generate'
import { ReadPrompt } from './read-prompt'

const begin = 'Once upon a time'

/** Steps until nobody is left, or so many times. */
async function run(batch: ContinuousBatch, steps = Number.POSITIVE_INFINITY): Promise<void> {
  for (let step = 0; step < steps && batch.count > 0; step++) await batch.step()
}

async function alone(model: PretrainedModel, prompt: number[], options: GenerateOptions): Promise<number[]> {
  const tokens: number[] = []
  for await (const { token } of generate(model, prompt, options)) tokens.push(token)
  return tokens
}

/** A model of which only logits are to be had. */
const withoutHidden = ({ device, config, parameterCount }: PretrainedModel['model']) => ({
  device,
  config,
  parameterCount,
})

const requestOf = (model: PretrainedModel, i: number) => ({
  prompt: model.tokenizer.encode([begin, 'Lily and Ben went to the park.', 'The', ''][i % 4]!),
  options: { seed: i, temperature: i % 3 === 0 ? 0 : 0.5 + i / 20, topP: 0.95, maxTokens: 3 + ((i * 5) % 17) },
})

describe('ContinuousBatch', () => {
  it.each([4, 16, 32])(
    'answers whoever comes and goes as if alone, bit for bit, up to %i at once',
    async (size) => {
      const model = await stories()
      const device = await testDevice()
      const before = device.memory.liveBytes
      const batch = new ContinuousBatch(model, { size })
      const requests = Array.from({ length: size + 6 }, (_, i) => requestOf(model, i))
      const sequences: BatchSequence[] = []
      let most = 0
      while (sequences.length < requests.length || batch.count > 0) {
        // Two newcomers a step, as long as there is room.
        for (let i = 0; i < 2 && sequences.length < requests.length; i++) {
          const { prompt, options } = requests[sequences.length]!
          if (batch.fits(prompt.length + options.maxTokens)) sequences.push(batch.join(prompt, options))
        }
        most = Math.max(most, batch.count)
        await batch.step()
      }
      expect(most).toBeGreaterThan(size / 2)
      expect(device.memory.liveBytes).toBe(before)
      for (const [i, { prompt, options }] of requests.entries())
        expect(sequences[i]!.answer.tokens).toEqual(await alone(model, prompt, options))
    },
    120_000,
  )

  it('draws for all that are there in as many passes as for two', async () => {
    const model = await stories()
    const device = await testDevice()
    const dispatchesOf = async (count: number, temperature: (i: number) => number) => {
      using batch = new ContinuousBatch(model, { size: 8 })
      for (let i = 0; i < count; i++)
        batch.join([5 + i], { maxTokens: 6, temperature: temperature(i), topK: 5 * (i % 3), seed: i })
      await run(batch, 2)
      const { dispatches, readbacks } = device.counters
      await batch.step()
      expect(device.counters.readbacks - readbacks).toBe(1)
      return device.counters.dispatches - dispatches
    }
    for (const temperature of [() => 0, () => 1, (i: number) => (i % 2) / 2])
      expect(await dispatchesOf(7, temperature)).toBe(await dispatchesOf(2, temperature))
  })

  it('gives the hidden states that tokens are said from, and says the same', async () => {
    const model = await stories()
    const requests = [0, 1, 2, 3, 4].map((i) => requestOf(model, i))
    const said = async (hiddenStates: boolean) => {
      using batch = new ContinuousBatch(model, { size: 4, hiddenStates })
      const tokens = new Map<BatchSequence, number[]>()
      const hidden = new Map<BatchSequence, Uint16Array[]>()
      for (let next = 0; next < requests.length || batch.count > 0; ) {
        if (next < requests.length && batch.count < batch.size) {
          const { prompt, options } = requests[next++]!
          const sequence = batch.join(prompt, options)
          tokens.set(sequence, [])
          hidden.set(sequence, [])
        }
        for (const token of await batch.step()) {
          tokens.get(token.sequence)!.push(token.token)
          if (token.hidden) hidden.get(token.sequence)!.push(token.hidden)
        }
      }
      return { tokens: [...tokens.values()], hidden: [...hidden.values()] }
    }
    const plain = await said(false)
    expect(plain.hidden.flat()).toEqual([])
    const { tokens, hidden } = await said(true)
    expect(tokens).toEqual(plain.tokens)
    for (const [i, { prompt }] of requests.entries()) {
      expect(hidden[i]).toHaveLength(tokens[i]!.length)
      // A pass over all of it, whose places from the prompt's last on are these.
      const read = Uint32Array.from([...prompt, ...tokens[i]!.slice(0, -1)])
      using states = model.model.hidden(model.model.device.tensor(read, { shape: [1, read.length] }))
      const expected = ((await states.data()) as Float32Array).subarray((prompt.length - 1) * states.shape[2]!)
      const actual = hidden[i]!.flatMap((row) => [...row].map(halfToFloat))
      expect(actual).toHaveLength(expected.length)
      for (const [k, value] of actual.entries())
        expect(Math.abs(value - expected[k]!)).toBeLessThan(2e-3 * Math.max(1, Math.abs(expected[k]!)))
    }
  })

  it('refuses hidden states of a model that does not show them as it decodes', async () => {
    const model = await stories()
    const closed = { ...model, model: { ...withoutHidden(model.model) } } as unknown as PretrainedModel
    expect(() => new ContinuousBatch(closed, { hiddenStates: true })).toThrow(/does not show the hidden states/)
    using batch = new ContinuousBatch(model, { hiddenStates: true })
    using read = new ReadPrompt(model, [1, 2])
    expect(() => batch.join(read, {})).toThrow(/read without the hidden states/)
  })

  it('answers as if alone where long contexts are computed otherwise, however long the others and the answers may become', async () => {
    // LongRoPE, whose long factors begin within what some of them ask for and others do not.
    const ropeScaling = {
      ...{ type: 'longrope' as const, originalContextLength: 12, attentionFactor: 1.19 },
      ...{ shortFactors: [1, 1, 1, 1], longFactors: [2, 4, 8, 16] },
    }
    const model = await randomModel({ architecture: 'phi3', contextLength: 64, ropeScaling })
    const batch = new ContinuousBatch(model)
    const requests = [3, 30, 5, 12].map((maxTokens, i) => ({ prompt: [1, 300 + i, 270, 368], maxTokens }))
    const sequences = requests.map(({ prompt, maxTokens }) => batch.join(prompt, { maxTokens }))
    await run(batch)
    for (const [i, { prompt, maxTokens }] of requests.entries()) {
      const answer = await alone(model, prompt, { maxTokens })
      expect(sequences[i]!.answer.tokens).toEqual(answer)
      expect((await alone(model, prompt, { maxTokens: 40 })).slice(0, answer.length)).toEqual(answer)
    }
    model.dispose()
  })

  it('gives each token as it comes, the greedy ones of the reference', async () => {
    const model = await stories()
    const batch = new ContinuousBatch(model)
    const cases = storiesReference()
    const sequences = cases.map(({ ids }) => batch.join(ids, { maxTokens: 24 }))
    const texts = new Map(sequences.map((sequence) => [sequence, '']))
    while (batch.count > 0)
      for (const { sequence, text } of await batch.step()) texts.set(sequence, texts.get(sequence)! + text)
    for (const [i, { prompt, ids, greedy }] of cases.entries()) {
      const text = model.tokenizer.decode([...ids, ...greedy]).slice(prompt.length)
      expect(sequences[i]!.answer.tokens).toEqual(greedy.slice(0, 24))
      expect(sequences[i]!.answer.finishReason).toBe('length')
      expect(text.startsWith(texts.get(sequences[i]!)!)).toBe(true)
    }
  })

  it('lets sequences leave and join while a step waits, and the others do not notice', async () => {
    const model = await stories()
    const device = await testDevice()
    const before = device.memory.liveBytes
    const batch = new ContinuousBatch(model, { size: 4 })
    const [first, second] = [requestOf(model, 1), requestOf(model, 7)]
    const staying = batch.join(first.prompt, { ...first.options, maxTokens: 30 })
    const leaving = batch.join(second.prompt, { ...second.options, maxTokens: 30 })
    await run(batch, 3)
    const step = batch.step()
    batch.leave(leaving)
    const third = batch.join(second.prompt, { ...second.options, maxTokens: 90 }) // the cache has to grow
    expect((await step).map(({ sequence }) => sequence)).toEqual([staying])
    expect(leaving.answer.tokens).toHaveLength(3)
    await run(batch)
    expect(staying.answer.tokens).toEqual(await alone(model, first.prompt, { ...first.options, maxTokens: 30 }))
    expect(third.answer.tokens).toEqual(await alone(model, second.prompt, { ...second.options, maxTokens: 90 }))
    expect(device.memory.liveBytes).toBe(before)
  })

  it('scores the tokens of those who ask, as they are scored alone', async () => {
    const model = await stories()
    const batch = new ContinuousBatch(model)
    const prompt = model.tokenizer.encode(begin)
    const options = { maxTokens: 5, temperature: 1, seed: 4 }
    const asking = batch.join(prompt, { ...options, logProbabilities: 3 })
    batch.join(prompt, options)
    const scored = []
    while (batch.count > 0)
      for (const token of await batch.step()) {
        expect('scored' in token).toBe(token.sequence === asking)
        if (token.scored) scored.push(token.scored)
      }
    const expected = []
    for await (const token of generate(model, prompt, { ...options, logProbabilities: 3 })) expected.push(token.scored)
    expect(scored).toEqual(expected)
  })

  it('ends at stop texts and end tokens, each on its own', async () => {
    const model = await stories()
    const { ids, greedy } = storiesReference()[1]!
    const ending = { ...model, generationConfig: { eosTokenIds: [greedy[7]!] } }
    const batch = new ContinuousBatch(ending)
    const stopped = batch.join(ids, { maxTokens: 48, stop: ['little'] })
    const ended = batch.join(ids, { maxTokens: 48 })
    await run(batch)
    expect(stopped.answer).toMatchObject({ finishReason: 'stop', text: ', there was a ' })
    expect(ended.answer.finishReason).toBe('stop')
    expect(ended.answer.tokens).toEqual(greedy.slice(0, greedy.indexOf(greedy[7]!) + 1))
  })

  it('costs one readback a step, however many there are', async () => {
    const model = await stories()
    const device = await testDevice()
    const batch = new ContinuousBatch(model)
    for (let i = 0; i < 5; i++) batch.join(model.tokenizer.encode(begin), { maxTokens: 6, temperature: 1, seed: i })
    const before = device.counters.readbacks
    await run(batch)
    expect(device.counters.readbacks - before).toBe(6)
  })

  it('is warmed up: nothing more is compiled for a batch of any size, and nothing is held', async () => {
    const model = await stories()
    const device = await testDevice()
    const before = device.memory.liveBytes
    const batch = new ContinuousBatch(model, { size: 5 })
    const progress: string[] = []
    await batch.warmUp({ onProgress: ({ done, total }) => progress.push(`${done}/${total}`) })
    expect(progress).toEqual(Array.from({ length: 11 }, (_, i) => `${i + 1}/11`)) // 7 of one sequence, 4 sizes
    expect(batch.count).toBe(0)
    expect(device.memory.liveBytes).toBe(before)
    const { pipelines } = device.counters
    for (let i = 0; i < 5; i++) {
      batch.join([1, 300 + i].slice(0, 1 + (i % 2)), { maxTokens: 3 + i, temperature: i % 2, topP: 0.9 })
      await batch.step()
    }
    await run(batch)
    expect(device.counters.pipelines).toBe(pipelines)
    await expect(batch.warmUp({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('refuses what does not fit, and what no request may be, and holds nothing of it', async () => {
    const model = await stories()
    const device = await testDevice()
    const before = device.memory.liveBytes
    const batch = new ContinuousBatch(model, { size: 1 })
    expect(() => batch.join([], {})).toThrow(/prompt is empty/)
    expect(() => batch.join([1], { temperature: -1 })).toThrow(/temperature is -1/)
    expect(() => batch.join(Array(512).fill(5), {})).toThrow(expect.objectContaining({ code: 'CONTEXT_OVERFLOW' }))
    expect(device.memory.liveBytes).toBe(before)
    batch.join([1], { maxTokens: 4 })
    expect(batch.fits(4)).toBe(false)
    expect(() => batch.join([1], { maxTokens: 4 })).toThrow(expect.objectContaining({ code: 'DEVICE_LIMIT' }))
    batch.dispose()
    expect(batch.fits(4)).toBe(true)
    expect(device.memory.liveBytes).toBe(before)
    expect(() => new ContinuousBatch(model, { size: 0 })).toThrow(/size is 0/)
  })
})
