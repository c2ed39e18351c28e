import { crossEntropy, mean, trainingLogits, valueAndGradient } from '@outrider/tensor'
import { ofCovered } from '@outrider/tensor/internal'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import type { ModelConfig } from '../config/index'
import { Decoder } from './decoder'
import type { ModelParameters } from './parameters'
import { referenceLogits } from './reference-decoder.fixture'
import { smallConfig as config } from './small-config.fixture'

const coveredIds = [0, 2, 5, 7, 12]
const tokens = [3, 5, 11, 0, 7, 9]
const head = 'lm_head.weight'

/** A model, and one of the same weights whose head covers some ids. */
async function pair(fields: Partial<ModelConfig>) {
  const device = await testDevice()
  const whole = Decoder.initialize(device, { ...config, ...fields }, { seed: 4 })
  const host: Record<string, Float32Array> = {}
  const parameters: ModelParameters = {}
  for (const [name, tensor] of Object.entries(whole.parameters)) {
    const values = (await tensor.data()) as Float32Array
    host[name] = values
    const width = tensor.shape.at(-1)!
    const rows = coveredIds.flatMap((id) => [...values.subarray(id * width, (id + 1) * width)])
    parameters[name] =
      name === head
        ? device.tensor(Float32Array.from(rows), { shape: [coveredIds.length, width] })
        : device.tensor(values, { shape: tensor.shape })
  }
  const trimmed = new Decoder(device, { ...config, ...fields, coveredIds }, parameters)
  const dispose = () => {
    for (const model of [whole, trimmed]) model.dispose()
  }
  return { device, whole, trimmed, host, dispose }
}

describe.each([
  ['a head of its own', {}],
  ['a tied head', { tieWordEmbeddings: true }],
  ['a tied head that is capped and scaled', { tieWordEmbeddings: true, logitSoftCap: 2, logitScale: 0.5 }],
])('%s over some ids', (_, fields) => {
  it('gives their logits, and −∞ to every other id', async () => {
    const { device, trimmed, host, dispose } = await pair(fields)
    const wanted = referenceLogits(trimmed.config, host, tokens)
    const seen = wanted.map((row) => row.map((z, id) => (coveredIds.includes(id) ? z : Number.NEGATIVE_INFINITY)))
    const ids = device.tensor(Uint32Array.from(tokens), { shape: [1, tokens.length] })
    const whole = trimmed.forward(ids)
    const logits = await whole.data()
    for (const [i, z] of seen.flat().entries())
      if (z === Number.NEGATIVE_INFINITY) expect(logits[i]).toBe(z)
      else expect(logits[i]).toBeCloseTo(z, 4)

    using cache = disposable(trimmed.createCache())
    const steps = []
    for (const [t, id] of tokens.entries()) {
      const one = device.tensor(Uint32Array.of(id), { shape: [1, 1] })
      const step = trimmed.forward(one, { cache: cache.value, coveredOnly: t % 2 === 0 })
      expect(step.shape).toEqual([1, 1, t % 2 === 0 ? coveredIds.length : 13])
      const values = await step.data()
      steps.push(t % 2 === 0 ? [...values] : coveredIds.map((at) => values[at]!))
      for (const tensor of [one, step]) tensor.dispose()
    }
    for (const [t, step] of steps.entries())
      for (const [i, id] of coveredIds.entries()) expect(step[i]).toBeCloseTo(wanted[t]![id]!, 4)
    for (const tensor of [ids, whole]) tensor.dispose()
    dispose()
  })

  it('learns what the whole head, restricted to them, would', async () => {
    const { device, whole, trimmed, dispose } = await pair(fields)
    const ids = device.tensor(Uint32Array.from(tokens), { shape: [1, tokens.length] })
    const places = device.tensor(Uint32Array.from([1, 4, 0, 2, 3, 1]))
    // Of a head that covers some ids these are all the logits that there are; of the whole one they are picked out.
    const loss = (model: Decoder) => (parameters: ModelParameters) => {
      const hidden = model.trainingHidden(parameters, ids).reshape([tokens.length, config.hiddenSize])
      const logits = trainingLogits(model.head(parameters), hidden)
      return mean(crossEntropy(ofCovered(logits, trimmed.covered!.ids), places))
    }
    const full = valueAndGradient(whole.parameters, loss(whole))
    const some = valueAndGradient(trimmed.parameters, loss(trimmed))
    expect(await some.value.item()).toBeCloseTo(await full.value.item(), 6)
    for (const [name, gradient] of Object.entries(some.gradients)) {
      const reference = (await full.gradients[name]!.data()) as Float32Array
      const width = gradient.shape.at(-1)!
      const rows =
        name === head
          ? coveredIds.flatMap((id) => [...reference.subarray(id * width, (id + 1) * width)])
          : [...reference]
      await expectAllClose(gradient, rows, { absolute: 1e-6, relative: 1e-4 })
    }
    for (const result of [full, some])
      for (const tensor of [result.value, ...Object.values(result.gradients)]) tensor.dispose()
    for (const tensor of [ids, places]) tensor.dispose()
    dispose()
  })
})

it('rows of a tied head are those of the weights at the time when a cache is made, also in a step that is recorded', async () => {
  const { device, trimmed, dispose } = await pair({ tieWordEmbeddings: true })
  const token = device.tensor(Uint32Array.of(5), { shape: [1, 1] })
  const before = device.memory.liveBytes
  const first = trimmed.createCache()
  const recording = device.record(() => ({ logits: trimmed.forward(token, { cache: first, coveredOnly: true }) }))
  recording.replay()
  const old = [...(await recording.value.logits.data())]
  const table = trimmed.parameters['model.embed_tokens.weight']!
  const values = (await table.data()) as Float32Array
  // Another id's row than the one that is read.
  values.fill(0, 7 * config.hiddenSize, 8 * config.hiddenSize)
  table.write(values)
  first.truncate(0)
  const second = trimmed.createCache()
  first.advance([1])
  recording.replay()
  const now = [...(await recording.value.logits.data())]
  expect(now).toEqual(old.map((z, i) => (coveredIds[i] === 7 ? 0 : z)))
  recording.dispose()
  for (const cache of [first, second]) cache.dispose()
  expect(device.memory.liveBytes).toBe(before)
  token.dispose()
  dispose()
})

const disposable = <T extends { dispose(): void }>(value: T) => ({ value, [Symbol.dispose]: () => value.dispose() })
