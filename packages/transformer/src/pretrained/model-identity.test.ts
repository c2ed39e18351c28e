import { testDevice } from '@outrider/tensor/testing'
import { expect, test } from 'vitest'
import { Decoder } from '../model/index'
import { modelIdentity } from './model-identity'
import { tinyConfig, tinyModel } from './tiny-model.fixture'

test('a model is known again by its weights, and is another where one of them is', async () => {
  const device = await testDevice()
  const identityOf = async (seed: number, change?: (values: Float32Array) => void) => {
    const pretrained = tinyModel(device, { seed })
    const { model } = pretrained
    const norm = model.parameters['model.norm.weight']!
    const values = (await norm.data()) as Float32Array
    change?.(values)
    norm.write(values)
    const identity = await modelIdentity(pretrained)
    pretrained.dispose()
    return identity
  }
  const one = await identityOf(1)
  expect(one).toEqual({ config: tinyConfig, dtype: 'f32', weights: expect.stringMatching(/^[0-9a-f]{32}$/) })
  expect(await identityOf(1)).toEqual(one)
  expect((await identityOf(2)).weights).not.toBe(one.weights)
  const { config, model } = tinyModel(device, { seed: 1 })
  const rounding = new Decoder(device, config, model.parameters, { cacheDtype: 'f16' })
  expect(await modelIdentity({ config, model: rounding })).toMatchObject({ cache: 'f16', dtype: 'f32' })
  model.dispose()
  const changed = await identityOf(1, (values) => {
    values[7]! *= 1 + 2 ** -23
  })
  expect(changed.weights).not.toBe(one.weights)
})
