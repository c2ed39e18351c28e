import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { expect, it } from 'vitest'
import { parseConfig } from '../config/index'
import { initializeParameters } from './parameters'

it('refuses a model that the device does not hold before any of it is made, and leaves nothing', async () => {
  const config = parseConfig({
    model_type: 'llama',
    vocab_size: 64,
    hidden_size: 2 ** 12,
    intermediate_size: 2 ** 12,
    num_hidden_layers: 1000,
    num_attention_heads: 32,
  })
  using device = await createDevice({ adapter: nodeAdapter(), maxMemoryBytes: 2 ** 20 + 2 ** 15 })
  expect(() => initializeParameters(device, config)).toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY' }))
  expect(device.memory.liveBuffers).toBe(0)
})
