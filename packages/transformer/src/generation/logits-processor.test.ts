import { testDevice } from '@outrider/tensor/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import type { PretrainedModel } from '../pretrained/index'
import { tinyConfig, tinyModel } from '../pretrained/tiny-model.fixture'
import { isAllowed, type TokenConstraint } from './constraint'
import { ContinuousBatch } from './continuous-batch'
import { type GenerateOptions, generate } from './generate'
import { generateBatch } from './generate-batch'

const size = tinyConfig.vocabularySize
const end = 257
const prompt = [256, 72, 101, 108, 108, 111, 100]
let model: PretrainedModel
beforeAll(async () => {
  model = tinyModel(await testDevice(), { initializerRange: 0.7, eosTokenIds: [end] })
})

/** Allows ids by what they leave when divided by 3, in turns; after an even id all of them. */
class Turns implements TokenConstraint {
  turn = 0
  last = 1

  allowed(): Uint32Array | null {
    if (this.last % 2 === 0) return null
    const words = new Uint32Array(Math.ceil(size / 32))
    for (let id = this.turn % 3; id < size; id += 3) words[id >> 5]! |= 1 << (id & 31)
    return words
  }

  accept(token: number): void {
    this.last = token
    this.turn++
  }

  clone(): Turns {
    return Object.assign(new Turns(), { turn: this.turn, last: this.last })
  }
}

/** Greedy decoding by the definition: every step reads the whole text anew, and what is done to its logits is float64. */
async function byDefinition(
  count: number,
  { logitBias = {}, presencePenalty = 0, frequencyPenalty = 0, repetitionPenalty = 1, constraint }: GenerateOptions,
): Promise<number[]> {
  const said: number[] = []
  const { device } = model.model
  const walker = constraint?.clone()
  for (let i = 0; i < count; i++) {
    using last = device.scope(() =>
      model.model.forward(device.tensor(Uint32Array.from([...prompt, ...said]), { shape: [1, prompt.length + i] }), {
        rows: 'last',
      }),
    )
    const allowed = walker?.allowed() ?? null
    const scores = Array.from(await last.data(), (x, id) => {
      if (!isAllowed(allowed, id)) return Number.NEGATIVE_INFINITY
      const times = said.filter((token) => token === id).length
      let z = x + (logitBias[id] ?? 0)
      if (times > 0 || prompt.includes(id)) z = z > 0 ? z / repetitionPenalty : z * repetitionPenalty
      return z - frequencyPenalty * times - (times > 0 ? presencePenalty : 0)
    })
    const token = scores.indexOf(Math.max(...scores))
    walker?.accept(token)
    said.push(token)
  }
  return said
}

const tokens = async (options: GenerateOptions) => (await generate(model, prompt, options).result).tokens

const likely = 13
const cases: Record<string, GenerateOptions> = {
  'a bias': { logitBias: { [likely]: 8, 20: -100 } },
  'a presence penalty': { presencePenalty: 2 },
  'a frequency penalty': { frequencyPenalty: 1.5 },
  'a repetition penalty': { repetitionPenalty: 1.4 },
  'a constraint': { constraint: new Turns() },
  'all of them': {
    logitBias: { [likely]: 4 },
    presencePenalty: 0.5,
    frequencyPenalty: 0.7,
    repetitionPenalty: 1.2,
    constraint: new Turns(),
  },
}

describe('what is done to logits before a draw', () => {
  const count = 8

  it.each(Object.keys(cases))('is what the formulas say, token after token: %s', async (name) => {
    const options = { ...cases[name], maxTokens: count }
    const expected = await byDefinition(count, options)
    expect(await tokens(options)).toEqual(expected)
    expect(await tokens({ maxTokens: count })).not.toEqual(expected)
  })

  it('is the same in a batch, for each sequence its own, and frees what it holds', async () => {
    const { device } = model.model
    const before = device.memory.liveBytes
    const options = { ...cases['all of them'], maxTokens: count, temperature: 0.8, minP: 0.05, logProbabilities: 1 }
    const alone = [await tokens({ ...options, seed: 1 }), await tokens({ ...options, seed: 2 })]
    const together = await generateBatch(model, [prompt, prompt], { ...options, seed: [1, 2] })
    expect(together.map(({ tokens }) => tokens)).toEqual(alone)
    // Scores are the model's own.
    const [first] = together
    using last = device.scope(() =>
      model.model.forward(device.tensor(Uint32Array.from(prompt), { shape: [1, prompt.length] }), { rows: 'last' }),
    )
    const logits = [...(await last.data())]
    const norm = Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0))
    expect(first!.scored![0]!.logProbability).toBeCloseTo(logits[first!.tokens[0]!]! - norm, 3)
    last.dispose()
    using batch = new ContinuousBatch(model)
    for (const seed of [1, 2]) batch.join(prompt, { ...options, seed })
    await batch.step()
    batch.dispose()
    expect(device.memory.liveBytes).toBe(before)
  })

  it('leaves a constraint as it is given', async () => {
    const constraint = new Turns()
    const first = await tokens({ constraint, maxTokens: 3 })
    expect(constraint.turn).toBe(0)
    expect(await tokens({ constraint, maxTokens: 3 })).toEqual(first)
  })

  it('ends with an end token, and asks nothing after it', async () => {
    const only = (): TokenConstraint => {
      let asked = true
      return {
        allowed() {
          if (!asked) throw new Error('asked after the end')
          return Uint32Array.from({ length: 1 + (end >> 5) }, (_, word) => (word === end >> 5 ? 1 << (end & 31) : 0))
        },
        accept: () => (asked = false),
        clone: only,
      }
    }
    for (const temperature of [0, 1])
      expect(await tokens({ constraint: only(), temperature, maxTokens: 4 })).toEqual([end])
    expect((await generateBatch(model, [prompt], { constraint: only() }))[0]!.finishReason).toBe('stop')
  })

  it('refuses a bias of ids that there are not, and a constraint that allows nothing', async () => {
    const { device } = model.model
    const before = device.memory.liveBytes
    await expect(tokens({ logitBias: { [size]: 1 } })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    const nothing: TokenConstraint = { allowed: () => new Uint32Array(1), accept() {}, clone: () => nothing }
    await expect(tokens({ constraint: nothing })).rejects.toThrow(/allows no token/)
    using batch = new ContinuousBatch(model)
    expect(() => batch.join(prompt, { constraint: nothing })).toThrow(/allows no token/)
    expect(device.memory.liveBytes).toBe(before)
  })
})
