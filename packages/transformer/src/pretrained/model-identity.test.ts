import { testDevice } from '@outrider/tensor/testing'
import { expect, test } from 'vitest'
import { Decoder } from '../model/index'
import { modelIdentity } from './model-identity'

const config = {
  architecture: 'llama' as const,
  vocabularySize: 40,
  hiddenSize: 8,
  intermediateSize: 12,
  layers: 1,
  heads: 1,
  kvHeads: 1,
  headDim: 8,
  contextLength: 16,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-5,
  tieWordEmbeddings: true,
  bosTokenId: 1,
  eosTokenIds: [2],
  initializerRange: 0.1,
}

test('a model is known again by its weights, and is another where one of them is', async () => {
  const device = await testDevice()
  const identityOf = async (seed: number, change?: (values: Float32Array) => void) => {
    const model = Decoder.initialize(device, config, { seed })
    const norm = model.parameters['model.norm.weight']!
    const values = (await norm.data()) as Float32Array
    change?.(values)
    norm.write(values)
    const identity = await modelIdentity({ model, config })
    model.dispose()
    return identity
  }
  const one = await identityOf(1)
  expect(one).toEqual({ config, dtype: 'f32', weights: expect.stringMatching(/^[0-9a-f]{32}$/) })
  expect(await identityOf(1)).toEqual(one)
  expect((await identityOf(2)).weights).not.toBe(one.weights)
  const changed = await identityOf(1, (values) => {
    values[7]! *= 1 + 2 ** -23
  })
  expect(changed.weights).not.toBe(one.weights)
})
