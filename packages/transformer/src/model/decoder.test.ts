import { cast, crossEntropy, mean, multiply, type Tensor, trainingLogits, valueAndGradient } from '@outrider/tensor'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import type { ModelConfig, RopeScaling } from '../config/index'
import { stories, storiesReference } from '../stories.fixture'
import { checkCausalLM } from '../testing/index'
import { Decoder } from './decoder'
import { initializeParameters, type ModelParameters, parameterCount } from './parameters'
import { randomised } from './randomised.fixture'
import { type HostParameters, referenceLogits, referenceLoss } from './reference-decoder.fixture'
import { smallConfig as small } from './small-config.fixture'
import type { TrainableLM } from './trainable-lm'

/** What sets the families apart, all at once; short enough a window and a context that each matters within a few tokens. */
const special: ModelConfig = {
  ...small,
  headDim: 8,
  attentionBias: 'all',
  mlpBias: true,
  qkNorm: 'head',
  slidingWindow: 3,
  ropeScaling: { type: 'llama3', factor: 4, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContextLength: 8 },
}
/** Of heads of 8 and a base of 100: keeps the first pair, divides the last, and blends between. */
const yarn: RopeScaling = {
  type: 'yarn',
  factor: 4,
  originalContextLength: 64,
  betaFast: 4,
  betaSlow: 0.5,
  truncate: true,
  attentionFactor: 1.14,
}
/** Of two pairs. */
const longrope = (originalContextLength: number): RopeScaling => ({
  type: 'longrope',
  originalContextLength,
  shortFactors: [1, 1.25],
  longFactors: [1.5, 4],
  attentionFactor: 1.19,
})
const forms: [string, ModelConfig][] = [
  ['untied', small],
  ['tied', { ...small, tieWordEmbeddings: true }],
  ['with biases of queries, keys and values', { ...small, attentionBias: 'qkv' }],
  ['with positions divided', { ...small, ropeScaling: { type: 'linear', factor: 2 } }],
  ['with biases everywhere, head norms, a window and scaled positions', special],
  ['with norms after the blocks and over all heads', { ...small, normPlacement: 'after', qkNorm: 'all' }],
  [
    'with norms around the blocks, stored as distances from 1, GELU and a capped head',
    { ...small, normPlacement: 'around', normOffset: 1, activation: 'gelu_tanh', logitSoftCap: 3, embeddingScale: 3.5 },
  ],
  ['with capped scores of attention', { ...small, attentionSoftCap: 0.5 }],
  [
    'with windows and other positions in some layers',
    {
      ...small,
      layers: 3,
      slidingWindow: 2,
      layerTypes: ['sliding_attention', 'full_attention', 'sliding_attention'],
      slidingRope: { ropeTheta: 100 },
    },
  ],
  ['with YaRN', { ...small, headDim: 8, ropeTheta: 100, ropeScaling: yarn }],
  [
    'with LongRoPE in a short context, of part of each head',
    { ...small, headDim: 8, rotaryDim: 4, ropeScaling: longrope(16) },
  ],
  [
    'with YaRN in layers with a window, and LongRoPE in a long context in the others',
    {
      ...small,
      headDim: 8,
      slidingWindow: 2,
      layerTypes: ['full_attention', 'sliding_attention'],
      ...{ rotaryDim: 4, ropeScaling: longrope(3), slidingRope: { ropeTheta: 100, ropeScaling: yarn } },
    },
  ],
  [
    'as Gemma 2 has it: capped scores, a window in every other layer, norms around the blocks',
    {
      ...small,
      layers: 3,
      normPlacement: 'around',
      normOffset: 1,
      activation: 'gelu_tanh',
      embeddingScale: Math.sqrt(12),
      attentionScale: 0.3,
      attentionSoftCap: 0.7,
      logitSoftCap: 3,
      slidingWindow: 2,
      layerTypes: ['sliding_attention', 'full_attention', 'sliding_attention'],
      tieWordEmbeddings: true,
    },
  ],
  ['with layers that know no positions', { ...small, layersWithoutRope: [1] }],
  [
    'with a window in the layers that know no positions, and biases everywhere',
    {
      ...{ ...small, layersWithoutRope: [1], attentionBias: 'all', mlpBias: true },
      ...{ slidingWindow: 2, layerTypes: ['full_attention', 'sliding_attention'] },
    },
  ],
  [
    'with scales everywhere',
    { ...small, attentionScale: 0.3, embeddingScale: 12, residualScale: 0.22, logitScale: 1 / 8 },
  ],
  [
    'with scales and biases everywhere',
    {
      ...{ ...small, attentionScale: 0.3, embeddingScale: 12, residualScale: 0.22, logitScale: 1 / 8 },
      ...{ attentionBias: 'all', mlpBias: true, tieWordEmbeddings: true },
    },
  ],
]

const hostParameters = async (model: Pick<Decoder, 'parameters'>): Promise<HostParameters> => {
  const entries = Object.entries(model.parameters).map(
    async ([name, tensor]) => [name, Float64Array.from(await tensor.data())] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}

const tokensOf = async (ids: number[]) => (await testDevice()).tensor(Uint32Array.from(ids), { shape: [1, ids.length] })
const logitsOf = (model: Pick<TrainableLM, 'head' | 'trainingHidden'>, parameters: ModelParameters, tokens: Tensor) =>
  trainingLogits(model.head(parameters), model.trainingHidden(parameters, tokens))
const bits = async (tensor: Tensor) => [...new Uint32Array((await tensor.data()).slice().buffer)]

/** The loss's slope in every element of every parameter, by float64 differences. */
function referenceGradients(config: ModelConfig, host: HostParameters, ids: number[]): Record<string, number[]> {
  const slopes = (values: HostParameters[string]) =>
    Array.from(values, (original, i) => {
      const step = 1e-5
      values[i] = original + step
      const above = referenceLoss(config, host, ids)
      values[i] = original - step
      const below = referenceLoss(config, host, ids)
      values[i] = original
      return (above - below) / (2 * step)
    })
  return Object.fromEntries(Object.entries(host).map(([name, values]) => [name, slopes(values)]))
}

describe('a decoder', () => {
  it.each(forms)('computes what the formulas say, %s', async (_, config) => {
    using model = randomised(await testDevice(), config, 3)
    const ids = [1, 5, 12, 0, 7, 7]
    const logits = model.forward(await tokensOf(ids))
    expect(logits.shape).toEqual([1, 6, 13])
    await expectAllClose(logits, referenceLogits(model.config, await hostParameters(model), ids).flat(), {
      absolute: 1e-4,
      relative: 1e-4,
    })
  })

  it.each(forms)('keeps what CausalLM promises, %s', async (_, config) => {
    using model = randomised(await testDevice(), config, 3)
    await checkCausalLM(model)
  })

  it.each(forms)("has the formulas' gradient in every parameter, %s", async (_, config) => {
    const device = await testDevice()
    using model = randomised(device, config, 4)
    const ids = [1, 5, 12, 0, 7]
    const tokens = await tokensOf(ids.slice(0, -1))
    const labels = device.tensor(Uint32Array.from(ids.slice(1)))
    const { value, gradients } = valueAndGradient(model.parameters, (parameters) =>
      mean(crossEntropy(logitsOf(model, parameters, tokens).reshape([4, 13]), labels)),
    )
    const host = await hostParameters(model)
    expect(await value.item()).toBeCloseTo(referenceLoss(model.config, host, ids), 5)
    for (const [name, expected] of Object.entries(referenceGradients(model.config, host, ids)))
      await expectAllClose(gradients[name]!, expected, { absolute: 1e-5, relative: 1e-3 })
    for (const gradient of Object.values(gradients)) gradient.dispose()
    value.dispose()
  })

  it("has the formulas' gradient within f16's precision with f16 matrices (with shader-f16; without it, is refused)", async () => {
    const device = await testDevice()
    using model = randomised(device, special, 4)
    const parameters = Object.fromEntries(
      Object.entries(model.parameters).map(([name, master]) => [
        name,
        cast(master, master.shape.length > 1 ? 'f16' : 'f32'),
      ]),
    )
    const ids = [1, 5, 12, 0, 7]
    const tokens = await tokensOf(ids.slice(0, -1))
    const labels = device.tensor(Uint32Array.from(ids.slice(1)))
    const scale = 256
    const compute = () =>
      valueAndGradient(parameters, (parameters) =>
        multiply(mean(crossEntropy(logitsOf(model, parameters, tokens).reshape([4, 13]), labels)), scale),
      )
    if (!device.capabilities.shaderF16) {
      expect(compute).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
      for (const tensor of Object.values(parameters)) tensor.dispose()
      return
    }
    const { value, gradients } = compute()
    const host = await hostParameters({ parameters })
    expect(Math.abs((await value.item()) / scale - referenceLoss(special, host, ids))).toBeLessThan(2e-3)
    for (const [name, expected] of Object.entries(referenceGradients(special, host, ids))) {
      expect(gradients[name]!.dtype).toBe('f32')
      const actual = await gradients[name]!.data()
      const error = Math.hypot(...expected.map((slope, i) => actual[i]! / scale - slope))
      expect(error, name).toBeLessThan(1e-2 * Math.hypot(...expected))
    }
    for (const tensor of [value, ...Object.values(gradients), ...Object.values(parameters)]) tensor.dispose()
  })

  it('decodes token by token what it computes at once, to the bit', async () => {
    const device = await testDevice()
    using model = randomised(device, special, 5)
    const ids = [1, 5, 12, 0, 7, 7, 3, 9]
    const expected = model.forward(await tokensOf(ids))
    const cache = model.createCache({ capacity: 8 })
    const rows: number[] = []
    for (const id of ids) {
      const logits = model.forward(await tokensOf([id]), { cache })
      rows.push(...(await bits(logits)))
      logits.dispose()
    }
    expect(rows).toEqual(await bits(expected))
    expected.dispose()
    cache.dispose()
  })

  it('takes no more dispatches where norms are stored as distances from 1', async () => {
    const device = await testDevice()
    const tokens = await tokensOf([1, 5, 12])
    const costs = [0 as const, 1 as const].map((normOffset) => {
      using model = randomised(device, { ...small, normOffset, normPlacement: 'around' }, 5)
      const { dispatches } = device.counters
      model.forward(tokens).dispose()
      const passed = device.counters.dispatches
      const { value, gradients } = valueAndGradient(model.parameters, (parameters) =>
        mean(logitsOf(model, parameters, tokens)),
      )
      for (const tensor of [value, ...Object.values(gradients)]) tensor.dispose()
      return [passed - dispatches, device.counters.dispatches - passed]
    })
    expect(costs[1]).toEqual(costs[0])
  })

  it.each([
    ['short', 16],
    ['long', 64],
  ])('has the factors of a %s context from the first token on, by what its cache may become', async (_, context) => {
    const device = await testDevice()
    const rope = longrope(16) as Extract<RopeScaling, { type: 'longrope' }>
    const factors = context > 16 ? rope.longFactors : rope.shortFactors
    // The same factors whatever the context.
    const one = { ...rope, shortFactors: factors, longFactors: factors }
    using model = randomised(device, { ...small, headDim: 8, rotaryDim: 4, contextLength: 64, ropeScaling: rope }, 5)
    using plain = randomised(device, { ...model.config, ropeScaling: one }, 5)
    const ids = [1, 5, 12, 0, 7, 7, 3, 9]
    const expected = plain.forward(await tokensOf(ids))
    // Read into a cache of the prompt's size, and moved to a larger one.
    const prompt = model.createCache({ capacity: 4, context })
    const cache = model.createCache({ capacity: 8, batchSize: 2, context })
    const first = model.forward(await tokensOf(ids.slice(0, 4)), { cache: prompt })
    cache.copySequence(1, prompt, 0)
    cache.copySequence(0, prompt, 0)
    const rest = ids.slice(4)
    const second = model.forward(device.tensor(Uint32Array.from([...rest, ...rest]), { shape: [2, 4] }), { cache })
    const values = [...(await bits(first)), ...(await bits(second)).slice(0, 4 * 13)]
    expect(values).toEqual(await bits(expected))
    for (const held of [expected, prompt, cache, first, second]) held.dispose()
  })

  it('refuses to move a sequence to a cache of a context in which it is turned otherwise', async () => {
    const device = await testDevice()
    using model = Decoder.initialize(device, { ...small, headDim: 8, rotaryDim: 4, ropeScaling: longrope(8) })
    const [short, long, alike] = [{ capacity: 4 }, { capacity: 4, context: 9 }, { capacity: 8 }].map((options) =>
      model.createCache(options),
    )
    model.forward(await tokensOf([1, 2]), { cache: short! }).dispose()
    expect(() => long!.copySequence(0, short!, 0)).toThrow(/context of 4 positions.* otherwise in one of 9/)
    expect(long!.lengths).toEqual([0])
    alike!.copySequence(0, short!, 0)
    expect(alike!.lengths).toEqual([2])
    for (const cache of [short, long, alike]) cache!.dispose()
  })

  it('is initialised with the same bits for the same seed, norms at 1, the rest as wide as told', async () => {
    const device = await testDevice()
    const config = { ...small, hiddenSize: 64, headDim: 16, intermediateSize: 96, vocabularySize: 200 }
    const [a, b, c] = [1, 1, 2].map((seed) => initializeParameters(device, config, seed)) as [
      ModelParameters,
      ModelParameters,
      ModelParameters,
    ]
    const name = 'model.layers.1.mlp.up_proj.weight'
    expect(await bits(a[name]!)).toEqual(await bits(b[name]!))
    expect(await bits(a[name]!)).not.toEqual(await bits(c[name]!))
    expect(await bits(a[name]!)).not.toEqual(await bits(a['model.layers.0.mlp.up_proj.weight']!))
    expect(new Set(await a['model.norm.weight']!.data())).toEqual(new Set([1]))
    const values = (await a[name]!.data()) as Float32Array
    const average = values.reduce((sum, value) => sum + value, 0) / values.length
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - average) ** 2, 0) / values.length)
    expect(Math.abs(average)).toBeLessThan(0.02)
    expect(deviation).toBeCloseTo(0.3, 1)
    expect(Object.values(a).reduce((count, tensor) => count + tensor.size, 0)).toBe(parameterCount(config))
    for (const tensor of [a, b, c].flatMap((parameters) => Object.values(parameters))) tensor.dispose()
  })

  it('refuses tokens, counts and caches that do not fit', async () => {
    const device = await testDevice()
    using model = Decoder.initialize(device, small)
    const tokens = await tokensOf([1, 2])
    expect(() => model.forward(tokens.reshape([2]))).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }))
    expect(() => model.forward(tokens, { counts: [3] })).toThrow(/counts \[3\] must be 1 numbers from 0 to 2/)
    const cache = model.createCache({ capacity: 3 })
    model.forward(tokens, { cache })
    expect(() => model.forward(tokens, { cache })).toThrow(expect.objectContaining({ code: 'CONTEXT_OVERFLOW' }))
    expect(cache.lengths).toEqual([2])
    expect(() => cache.truncate(3)).toThrow(/\[3\] is not within the present lengths \[2\]/)
    expect(() => model.forward(device.tensor(new Uint32Array(4), { shape: [2, 2] }), { cache })).toThrow(
      /holds 1 sequences and the tokens are of 2/,
    )
    cache.dispose()
  })

  it('keeps nothing in training of layers through which no gradient goes', async () => {
    const device = await testDevice()
    using model = Decoder.initialize(device, { ...small, layers: 6 })
    const tokens = device.tensor(new Uint32Array(30), { shape: [1, 30] })
    const peakOf = (body: () => Tensor[]) => {
      const before = device.memory.liveBytes
      device.resetPeak()
      for (const tensor of body()) tensor.dispose()
      expect(device.memory.liveBytes).toBe(before)
      return device.memory.peakBytes - before
    }
    const pass = (parameters: ModelParameters) => model.trainingHidden(parameters, tokens)
    const alone = peakOf(() => [pass(model.parameters)])
    const norm = 'model.norm.weight'
    const trained = peakOf(() => {
      const { value, gradients } = valueAndGradient({ [norm]: model.parameters[norm]! }, (own) =>
        mean(pass({ ...model.parameters, ...own })),
      )
      return [value, gradients[norm]!]
    })
    expect(trained).toBeLessThan(1.5 * alone)
  })

  it('leaves nothing behind on the device but its logits', async () => {
    const device = await testDevice()
    using model = Decoder.initialize(device, small)
    const tokens = await tokensOf([1, 2, 3])
    const before = device.memory.liveBytes
    const cache = model.createCache({ capacity: 8 })
    const cached = device.memory.liveBytes
    const logits = model.forward(tokens, { cache })
    expect(device.memory.liveBytes - cached).toBe(Math.ceil(logits.bytes / 16) * 16)
    logits.dispose()
    cache.dispose()
    expect(device.memory.liveBytes).toBe(before)
  })
})

describe('a deep decoder', () => {
  it('takes no more memory for its activations than a shallow one', async () => {
    const device = await testDevice()
    const tokens = device.tensor(new Uint32Array(32), { shape: [1, 32] })
    const peaks = [2, 8].map((layers) => {
      using model = Decoder.initialize(device, { ...small, layers })
      device.resetPeak()
      const before = device.memory.liveBytes
      model.forward(tokens).dispose()
      return device.memory.peakBytes - before
    })
    expect(peaks[1]).toBe(peaks[0])
    tokens.dispose()
  })
})

describe('a Llama with a context of 2^20', () => {
  const config = { ...small, headDim: 8, kvHeads: 1, slidingWindow: 4, contextLength: 2 ** 20 }
  const ids = [1, 5, 2, 12, 0, 7, 7, 3, 9, 4, 11, 6]
  // As far back as two layers of windows see, all that is before the ids is out of sight.
  const seen = config.layers * (config.slidingWindow - 1)

  it('says at its end what it says at its beginning of what a window sees', async () => {
    const device = await testDevice()
    using model = Decoder.initialize(device, config, { seed: 3 })
    const answer = async (before: number): Promise<number[]> => {
      const cache = model.createCache()
      cache.advance([before])
      const logits = model.forward(await tokensOf(ids), { cache })
      const values = [...(await logits.data())].slice(seen * config.vocabularySize)
      for (const held of [logits, cache]) held.dispose()
      return values
    }
    const expected = await answer(0)
    await expectAllClose(await answer(config.contextLength - ids.length), expected, { absolute: 2e-6, relative: 0 })
  })
})

describe('stories260K', () => {
  it.each(storiesReference())(
    'has the logits of the float64 reference after "$prompt"',
    async ({ ids, lastLogits }) => {
      const { model } = await stories()
      const logits = model.forward(await tokensOf(ids), { rows: 'last' })
      await expectAllClose(logits, lastLogits, { absolute: 1e-3, relative: 0 })
      logits.dispose()
    },
  )

  const ids = storiesReference()[2]!.ids.concat(storiesReference()[2]!.greedy).slice(0, 40)

  it('keeps what CausalLM promises', async () => checkCausalLM((await stories()).model))

  it('computes for training what it decodes, within rounding', async () => {
    const { model } = await stories()
    const logits = logitsOf(model, model.parameters, await tokensOf(ids))
    const cache = model.createCache({ capacity: 64 })
    const decoded: number[] = []
    for (const id of ids) {
      const row = model.forward(await tokensOf([id]), { cache })
      decoded.push(...(await row.data()))
      row.dispose()
    }
    await expectAllClose(logits, decoded, { absolute: 1e-3, relative: 0 })
    for (const held of [logits, cache]) held.dispose()
  })
})
