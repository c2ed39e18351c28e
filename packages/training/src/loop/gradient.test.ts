import { readAll, valueAndGradient } from '@outrider/tensor'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { Decoder, type ModelConfig } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { referenceLogits } from '../../../transformer/src/model/reference-decoder.fixture'
import { smallEnough } from './float64.fixture'
import { toDevice } from './objective'
import { nextToken } from './pretrain'

const config: ModelConfig = { ...smallEnough, layers: 2, heads: 4, kvHeads: 2, initializerRange: 0.4 }

const length = 5
const batch = {
  tokens: Uint32Array.of(1, 4, 2, 9, 3, 7, 7, 0, 10, 5),
  labels: Uint32Array.of(4, 2, 9, 3, 6, 7, 0, 10, 5, 8),
  lossMask: Float32Array.of(1, 1, 1, 0, 1, 0, 1, 1, 1, 1),
  batchSize: 2,
  length,
}

/** The mean of −ln p(label) over the positions that count, in float64. */
function referenceLoss(model: ModelConfig, weights: Record<string, Float64Array>): number {
  const losses = [0, length].flatMap((begin) =>
    referenceLogits(model, weights, [...batch.tokens.subarray(begin, begin + length)]).flatMap((logits, t) => {
      if (batch.lossMask[begin + t] === 0) return []
      const normaliser = Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0))
      return normaliser - logits[batch.labels[begin + t]!]!
    }),
  )
  return losses.reduce((a, b) => a + b, 0) / losses.length
}

describe('one training step of a small Llama', () => {
  for (const tieWordEmbeddings of [false, true])
    it(`agrees with a float64 implementation in loss and in every parameter's gradient (${tieWordEmbeddings ? 'tied' : 'own'} head)`, async () => {
      const device = await testDevice()
      const tied = { ...config, tieWordEmbeddings }
      using model = Decoder.initialize(device, tied, { seed: 3 })
      const { parameters } = model
      const weights: Record<string, Float64Array> = {}
      for (const [name, tensor] of Object.entries(parameters)) weights[name] = Float64Array.from(await tensor.data())
      const loss = () => referenceLoss(tied, weights)

      const onDevice = toDevice(device, batch, 0)
      const { value, gradients } = valueAndGradient(parameters, (parameters) =>
        nextToken({ model }).loss(parameters, onDevice),
      )
      expect(Math.abs((await value.item()) - loss())).toBeLessThan(1e-5)

      const step = 1e-5
      for (const [name, gradient] of Object.entries(gradients)) {
        const values = weights[name]!
        const expected = values.map((value, i) => {
          values[i] = value + step
          const above = loss()
          values[i] = value - step
          const below = loss()
          values[i] = value
          return (above - below) / (2 * step)
        })
        await expectAllClose(gradient, expected, { absolute: 2e-6, relative: 2e-4 }).catch((error: Error) => {
          throw new Error(`${name}: ${error.message}`)
        })
      }
      const { tokens, labels, mask } = onDevice
      for (const tensor of [value, tokens, labels, mask, ...Object.values(gradients)]) tensor.dispose()
    })

  it('has the same bits with activation checkpointing, and a lower peak', async () => {
    const device = await testDevice()
    const deep = { ...config, hiddenSize: 32, headDim: 8, intermediateSize: 64, layers: 6 }
    using model = Decoder.initialize(device, deep, { seed: 5 })
    const { parameters } = model
    const onDevice = toDevice(device, batch, 0)
    const run = async (activationCheckpointing: boolean) => {
      const before = device.memory.liveBytes
      device.resetPeak()
      const { value, gradients } = valueAndGradient(parameters, (parameters) =>
        nextToken({ model }, { activationCheckpointing }).loss(parameters, onDevice),
      )
      const peak = device.memory.peakBytes - before
      const tensors = [value, ...Object.values(gradients)]
      const bits = await readAll(tensors)
      for (const tensor of tensors) tensor.dispose()
      expect(device.memory.liveBytes).toBe(before)
      return { peak, bits }
    }
    const [kept, again] = [await run(false), await run(true)]
    expect(again.bits).toEqual(kept.bits)
    const gradientBytes = Object.values(parameters).reduce((sum, { bytes }) => sum + bytes, 0)
    // What is left of six blocks' activations: one block's, and the states between blocks.
    expect(again.peak - gradientBytes).toBeLessThan(0.5 * (kept.peak - gradientBytes))
    const { tokens, labels, mask } = onDevice
    for (const tensor of [tokens, labels, mask]) tensor.dispose()
  })
})
