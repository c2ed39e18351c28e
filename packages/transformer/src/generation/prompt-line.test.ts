import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { randomModel } from '../pretrained/families.fixture'
import { loadCausalLM, type PretrainedModel } from '../pretrained/index'
import { ContinuousBatch } from './continuous-batch'
import { generate } from './generate'
import { prefill } from './prefill'
import { PromptLine } from './prompt-line'
import { PromptReading } from './prompt-reading'

const small = { architecture: 'llama', hiddenSize: 8, layers: 1, heads: 1, kvHeads: 1, contextLength: 1024 }
const text = (length: number, stream = 0) => Array.from({ length }, (_, i) => 5 + ((i * 7 + stream) % 500))

describe('a prompt that is read in pieces', () => {
  it('has the bits of one that is read at once, whatever the pieces', async () => {
    const { model, config, dispose } = await randomModel(small)
    for (const length of [64, 210]) {
      const cache = model.createCache()
      const once = prefill(model, cache, text(length))
      for (const most of [1, 150]) {
        const reading = new PromptReading({ model, config }, text(length))
        const pieces: number[] = []
        while (!reading.isRead) pieces.push(reading.read(most))
        expect(pieces.slice(0, -1).every((rows) => rows % 64 === 0 && rows <= Math.max(most, 64))).toBe(true)
        expect(await reading.said.logits.data()).toEqual(await once.data())
        reading.dispose()
      }
      once.dispose()
      cache.dispose()
    }
    dispose()
  })
})

describe('the line of prompts', () => {
  it('reads as many rows a step as its time allows, in order, and all where nobody waits', async () => {
    const { model, config, dispose } = await randomModel(small)
    const line = new PromptLine<string>(0.1)
    line.join('first', new PromptReading({ model, config }, text(700)))
    line.join('second', new PromptReading({ model, config }, text(90)))
    line.observe(0.02) // a step without a prompt
    const done: string[] = []
    /** Rows that are read of each in a step. */
    const step = (othersWait: boolean) => {
      const reached: Record<string, number> = {}
      const read = line.read(othersWait, (member, { position }) => Object.assign(reached, { [member]: position }))
      for (const { member, reading } of read) {
        done.push(member)
        reading.dispose()
      }
      return reached
    }
    // A row takes 0.25 ms: there are 320 in what is left of the 0.1 s, after it has doubled from a piece.
    const positions = [0]
    while (!done.includes('first')) {
      positions.push(step(true).first!)
      line.observe(0.02 + 0.00025 * (positions.at(-1)! - positions.at(-2)!))
    }
    expect(positions.slice(0, 4)).toEqual([0, 64, 192, 448])
    expect(done[0]).toBe('first')
    step(false)
    expect(done).toEqual(['first', 'second'])
    expect(line.count).toBe(0)
    dispose()
  })
})

describe('a batch that reads prompts between steps', () => {
  let target: PretrainedModel
  beforeAll(async () => {
    target = await loadCausalLM(testData('stories260K'), { device: await testDevice() })
  })
  afterAll(() => target?.dispose())

  it('goes on with others meanwhile, a piece a step, and gives each the answer that it has alone', async () => {
    const { device } = target.model
    const before = device.memory.liveBytes
    const batch = new ContinuousBatch(target, { size: 4, maxStepSeconds: 1e-6 })
    const long = text(330)
    const running = batch.join([1, 2, 3], { maxTokens: 14 })
    await batch.step()
    const joined = [
      batch.join(long, { maxTokens: 6 }),
      batch.join(text(80, 3), { maxTokens: 5, temperature: 1, seed: 4 }),
    ]
    const left = batch.join(long, { maxTokens: 5 })
    expect(batch.fits(10)).toBe(false)
    batch.leave(left)
    expect(batch.fits(10)).toBe(true)
    // 330 tokens are six passes: every step of these brings the other one token, and the last the first of this.
    for (let step = 1; step <= 6; step++) {
      expect(joined[0]!.answer.tokens).toEqual([])
      const told = await batch.step()
      expect(told.some(({ sequence }) => sequence === running)).toBe(true)
    }
    expect(joined[0]!.answer.tokens).toHaveLength(1)
    while (batch.count > 0) await batch.step()
    expect(device.memory.liveBytes).toBe(before)
    const alone = async (ids: number[], options: object) => (await generate(target, ids, options).result).tokens
    expect(running.answer.tokens).toEqual(await alone([1, 2, 3], { maxTokens: 14 }))
    expect(joined[0]!.answer.tokens).toEqual(await alone(long, { maxTokens: 6 }))
    expect(joined[1]!.answer.tokens).toEqual(await alone(text(80, 3), { maxTokens: 5, temperature: 1, seed: 4 }))
    batch.join(long, {})
    await batch.step()
    batch.join(long, {})
    batch.dispose()
    expect(device.memory.liveBytes).toBe(before)
  })
})
