import { OutriderError } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type CausalLM, Decoder } from '../model/index'
import { randomModel } from '../pretrained/families.fixture'
import { loadCausalLM, type PretrainedModel, pretrainedModel } from '../pretrained/index'
import { ContinuousBatch } from './continuous-batch'
import { generate } from './generate'
import { prefill } from './prefill'
import { PrefixCache } from './prefix-cache'

const small = { architecture: 'llama', hiddenSize: 8, layers: 2, heads: 1, kvHeads: 1, contextLength: 1024 }
/** Keys and values of 64 positions of it: of 2 layers, 8 numbers each. */
const blockBytes = 2 * 2 * 64 * 8 * 4
const text = (length: number, stream = 0) => Array.from({ length }, (_, i) => 5 + ((i * 7 + stream) % 500))

let model: CausalLM
let dispose: () => void
let whole: PretrainedModel
/** Its first layers. */
let target: PretrainedModel
let prefixes: PrefixCache
beforeAll(async () => {
  ;({ model, dispose } = await randomModel(small))
  whole = await loadCausalLM(testData('stories260K'), { device: await testDevice() })
  const { device, parameters } = whole.model
  target = pretrainedModel(new Decoder(device, { ...whole.config, layers: 2 }, parameters), whole)
})
afterAll(() => {
  dispose?.()
  whole?.dispose()
})
afterEach(() => prefixes?.dispose())

/** Reads a text as a prompt, and says of how many tokens it was given keys and values, and the logits. */
async function read(tokens: readonly number[], name?: string): Promise<{ given: number; logits: Float32Array }> {
  const cache = model.createCache()
  const scope = prefixes.of(name)
  const given = scope.restore(model, cache, tokens)
  using said = prefill(model, cache, tokens.slice(given))
  scope.keep(model, cache, tokens)
  const logits = (await said.data()) as Float32Array
  cache.dispose()
  return { given, logits }
}

/** The same without what is kept. */
async function readAlone(tokens: readonly number[]): Promise<Float32Array> {
  const cache = model.createCache()
  using said = prefill(model, cache, tokens)
  const logits = (await said.data()) as Float32Array
  cache.dispose()
  return logits
}

describe('what prompts begin with', () => {
  it('is given to those that begin so, in blocks of 64 tokens, all but what says the next token; to the same bits', async () => {
    prefixes = new PrefixCache()
    const before = model.device.memory.liveBytes
    const first = text(200)
    expect(await read(first)).toEqual({ given: 0, logits: await readAlone(first) })
    expect(prefixes.blocks).toBe(3)
    expect(prefixes.bytes).toBe(3 * blockBytes)
    expect(model.device.memory.liveBytes - before).toBe(prefixes.bytes)
    for (const [tokens, given] of [
      [first, 192],
      [[...first.slice(0, 192), 7], 192],
      [first.slice(0, 192), 128],
      [first.slice(0, 129), 128],
      [first.slice(0, 64), 0],
      [first.with(130, 4), 128],
      [first.with(63, 4), 0],
      [[...first, ...text(100, 3)], 192],
    ] as const)
      expect(await read(tokens)).toEqual({ given, logits: await readAlone(tokens) })
    prefixes.clear()
    expect(model.device.memory.liveBytes).toBe(before)
  })

  it('is never that of a text that differs in any id, nor of one whose blocks are the same in other order', async () => {
    prefixes = new PrefixCache()
    const [a, b] = [text(64), text(64, 9)]
    await read([...a, ...b, 5])
    for (let place = 0; place < 64; place += 21)
      expect((await read([...a.with(place, 499), ...b, 6])).given, `${place}`).toBe(0)
    expect((await read([...b, ...a, 7])).given).toBe(0)
    expect((await read([...b, ...b, 7])).given).toBe(64)
    // Ids whose digits are the same in a row.
    const [joined, apart] = [
      [1, 23, ...a.slice(2)],
      [12, 3, ...a.slice(2)],
    ]
    await read([...joined, 5])
    expect((await read([...apart, 5])).given).toBe(0)
    expect((await read([...joined, 6])).given).toBe(64)
  })

  it('is shared among those of one name only, and not between models', async () => {
    prefixes = new PrefixCache()
    const tokens = text(130)
    await read(tokens, 'mira')
    expect((await read(tokens, 'oskar')).given).toBe(0)
    expect((await read(tokens)).given).toBe(0)
    expect((await read(tokens, 'mira')).given).toBe(128)
    const other = await randomModel(small)
    const cache = other.model.createCache()
    expect(prefixes.of('mira').restore(other.model, cache, tokens)).toBe(0)
    cache.advance([130])
    prefixes.of('mira').keep(other.model, cache, tokens)
    // What is kept of a model that is gone goes alone.
    const [bytes, before] = [prefixes.bytes, model.device.memory.liveBytes]
    prefixes.forget(other.model)
    expect(bytes - prefixes.bytes).toBe(2 * blockBytes)
    expect(before - model.device.memory.liveBytes).toBe(2 * blockBytes)
    expect((await read(tokens, 'mira')).given).toBe(128)
    cache.dispose()
    other.dispose()
  })

  it('is kept within a bound: what was used longest ago goes first, and no block that others follow', async () => {
    prefixes = new PrefixCache({ maxBytes: 5.5 * blockBytes })
    const [a, b] = [text(193), text(129, 50)]
    await read(a)
    await read(b)
    expect(prefixes.blocks).toBe(5)
    await read(a) // the younger now, though its first blocks are the oldest
    await read(text(65, 90))
    expect(prefixes.blocks).toBe(5)
    expect(prefixes.bytes).toBeLessThanOrEqual(prefixes.maxBytes)
    expect((await read(a)).given).toBe(192)
    // Of b the end went.
    expect(prefixes.of().restore(model, fresh(), b)).toBe(64)
    for (let stream = 100; stream < 110; stream++) {
      const tokens = text(65 + (stream % 5) * 64, stream)
      expect((await read(tokens)).given).toBe(0)
      expect(prefixes.bytes).toBeLessThanOrEqual(prefixes.maxBytes)
      expect((await read(tokens)).given).toBe(Math.floor((tokens.length - 1) / 64) * 64)
    }
    // Of a text beyond the bound the beginning is kept, which is the most that another can use.
    await read(text(900))
    expect(prefixes.blocks).toBe(5)
    expect(await read(text(900))).toEqual({ given: 320, logits: await readAlone(text(900)) })
  })

  it('gives way at once where the bound is set lower, and comes back within it', async () => {
    prefixes = new PrefixCache()
    await read(text(200))
    await read(text(100, 3))
    expect(prefixes.blocks).toBe(4)
    prefixes.maxBytes = 2.5 * blockBytes
    expect(prefixes.bytes).toBe(2 * blockBytes)
    expect((await read(text(100, 3))).given).toBe(64)
    prefixes.maxBytes = -1
    expect([prefixes.bytes, prefixes.maxBytes]).toEqual([0, 0])
    await read(text(100))
    expect(prefixes.blocks).toBe(0)
    prefixes.maxBytes = 4 * blockBytes
    await read(text(100))
    expect(prefixes.blocks).toBe(1)
  })

  it('is not kept without a bound, memory, or a cache that gives it', async () => {
    prefixes = new PrefixCache({ maxBytes: 0 })
    await read(text(130))
    expect((await read(text(130))).given).toBe(0)
    expect(prefixes.bytes).toBe(0)
    prefixes = new PrefixCache()
    const { device } = model
    const empty = device.empty.bind(device)
    await read(text(65, 1))
    device.empty = (shape, dtype) => {
      if (shape.length === 4 && shape[1] === 64) throw new OutriderError('OUT_OF_MEMORY', 'There is none.')
      return empty(shape, dtype)
    }
    try {
      expect(await read(text(130))).toEqual({ given: 0, logits: await readAlone(text(130)) })
    } finally {
      device.empty = empty
    }
    expect(prefixes.blocks).toBe(0) // room was to be made
    const cache = fresh()
    Object.assign(cache, { appendBlock: undefined, copyBlock: undefined })
    prefill(model, cache, text(65)).dispose()
    prefixes.of().keep(model, cache, text(65))
    expect(prefixes.blocks).toBe(0)
    for (const maxBytes of [-1, Number.NaN])
      expect(() => new PrefixCache({ maxBytes })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})

const caches: { dispose(): void }[] = []
const fresh = () => {
  const cache = model.createCache()
  caches.push(cache)
  return cache
}
afterAll(() => {
  for (const cache of caches) cache.dispose()
})

describe('answers', () => {
  const samplings = [{ maxTokens: 6 }, { maxTokens: 6, temperature: 1, topP: 0.9, seed: 5, logProbabilities: 2 }]

  it('have the same tokens and scores with and without, alone and in a batch, whatever the pieces', async () => {
    const turns = [text(150), [...text(150), ...text(60, 4)]]
    prefixes = new PrefixCache()
    const given = [0, 128]
    for (const [turn, prompt] of turns.entries())
      for (const options of samplings) {
        const told = async (more: object) => {
          const stream = generate(target, prompt, { ...options, ...more })
          const tokens = []
          for await (const token of stream) tokens.push(token)
          return { tokens, cached: (await stream.result).cachedTokens }
        }
        const { tokens } = await told({})
        const first = options === samplings[0]
        const cached = first ? given[turn]! : Math.floor((prompt.length - 1) / 64) * 64
        expect(await told({ prefixes: prefixes.of() })).toEqual({ tokens, cached })
        for (const maxStepSeconds of [undefined, 1e-6]) {
          const batch = new ContinuousBatch(target, { maxStepSeconds })
          const sequence = batch.join(prompt, { ...options, prefixes: prefixes.of() })
          const said = []
          while (batch.count > 0) for (const { sequence: _, ...token } of await batch.step()) said.push(token)
          expect(said).toEqual(tokens)
          expect(sequence.cachedTokens).toBe(Math.floor((prompt.length - 1) / 64) * 64)
        }
      }
  })

  it('are given what others of the batch have read before their turn, and leave nothing where they are broken off', async () => {
    prefixes = new PrefixCache()
    const { device } = target.model
    const before = device.memory.liveBytes
    const batch = new ContinuousBatch(target, { maxStepSeconds: 1e-6 })
    const scope = { prefixes: prefixes.of(), maxTokens: 3 }
    const running = batch.join([1, 2, 3], { maxTokens: 9 })
    await batch.step()
    const left = batch.join(text(200, 8), scope)
    const [first, second] = [batch.join(text(200), scope), batch.join([...text(130), 9], scope)]
    await batch.step()
    batch.leave(left) // in the middle of its prompt
    while (batch.count > 0) await batch.step()
    expect([running, left, first, second].map(({ cachedTokens }) => cachedTokens)).toEqual([0, 0, 0, 128])
    expect(prefixes.blocks).toBe(3)
    for (const [sequence, prompt] of [
      [first, text(200)],
      [second, [...text(130), 9]],
    ] as const)
      expect(sequence.answer.tokens).toEqual((await generate(target, prompt, { maxTokens: 3 }).result).tokens)
    expect(device.memory.liveBytes - before).toBe(prefixes.bytes)
  })
})
