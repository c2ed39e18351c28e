import { expect, it } from 'vitest'
import type { GgufFile, GgufMetadataValue } from '../../files/gguf/read'
import { memoryDirectory } from '../../files/index'
import { readGgufConfig } from './read-config'

const sizes: Record<string, GgufMetadataValue> = {
  'general.architecture': 'llama',
  'llama.embedding_length': 8,
  'llama.feed_forward_length': 16,
  'llama.block_count': 1,
  'llama.attention.head_count': 2,
  'llama.context_length': 32,
  'llama.attention.layer_norm_rms_epsilon': 1e-5,
}

/** A header, as `openGguf` reads it, with some of its values or shapes changed. */
function header(changes: Record<string, GgufMetadataValue>, shapes: Record<string, number[]> = {}): GgufFile {
  const tensors = Object.entries({ 'token_embd.weight': [16, 8], ...shapes }).map(
    ([name, shape]) => [name, { name, shape, dtype: 'F32', file: 'm.gguf', start: 0, end: 0 }] as const,
  )
  return {
    directory: memoryDirectory(),
    file: 'm.gguf',
    where: 'm.gguf',
    metadata: new Map(Object.entries({ ...sizes, ...changes })),
    tensors: new Map(tensors),
  }
}

it('reads the sizes of a header', async () => {
  const { config } = await readGgufConfig(header({ 'llama.attention.sliding_window': 8 }))
  expect(config).toMatchObject({ layers: 1, hiddenSize: 8, heads: 2, contextLength: 32, slidingWindow: 8 })
})

it.each([
  ['layers', 'llama.block_count', 1e9],
  ['a hidden size', 'llama.embedding_length', 2 ** 40],
  ['a width of the MLP', 'llama.feed_forward_length', 2 ** 40],
  ['heads', 'llama.attention.head_count', 2 ** 20],
  ['a width of heads', 'llama.attention.key_length', 2 ** 20],
  ['a context', 'llama.context_length', 2 ** 40],
  ['a window', 'llama.attention.sliding_window', 2 ** 40],
])('refuses %s beyond any model, by its key', async (_, key, value) => {
  const refused = expect(readGgufConfig(header({ [key]: value }))).rejects
  await refused.toMatchObject({ code: 'FILE_FORMAT', message: expect.stringContaining(`${key} is ${value}`) })
})

it('refuses a vocabulary and rotary factors of a size that no model has, before they are read', async () => {
  await expect(readGgufConfig(header({}, { 'token_embd.weight': [2 ** 30, 8] }))).rejects.toThrow(/1073741824 tokens/)
  await expect(readGgufConfig(header({}, { 'rope_freqs.weight': [2 ** 30] }))).rejects.toThrow(/rope_freqs.weight/)
})
