import { testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { type Directory, memoryDirectory } from '../files/index'
import { stories } from '../stories.fixture'
import { saveCausalLM } from './save'
import { tinyModel } from './tiny-model.fixture'

const weightsOf = async (files: Directory) => (await files.list()).filter((name) => name.startsWith('model'))
const whole = ['model.safetensors']

describe('a save over an earlier one', () => {
  it('leaves no shard, index or single file of it', async () => {
    const model = await stories()
    const files = memoryDirectory()
    await saveCausalLM(model, files, { maxShardBytes: 200_000 })
    const many = await weightsOf(files)
    expect(many.length).toBeGreaterThan(4)
    await saveCausalLM(model, files, { maxShardBytes: 600_000 })
    const few = await weightsOf(files)
    expect(few).toEqual([
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
    ])
    await saveCausalLM(model, files)
    expect(await weightsOf(files)).toEqual(whole)
    await saveCausalLM(model, files, { maxShardBytes: 600_000 })
    expect(await weightsOf(files)).toEqual(few)
  })

  it('leaves no chat template of a model that had one, and what is not of a model', async () => {
    const files = memoryDirectory({ 'chat_template.jinja': '{{ old }}', 'config.json': '{}', 'notes.txt': 'mine' })
    await saveCausalLM(await stories(), files)
    expect(await files.list()).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'notes.txt',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
  })
})

it('with an index of a single file, readers that take every file know which are the model', async () => {
  const files = memoryDirectory()
  await saveCausalLM(await stories(), files, { alwaysIndex: true })
  expect(await weightsOf(files)).toEqual(['model.safetensors', 'model.safetensors.index.json'])
  const { weight_map } = JSON.parse(await files.readText('model.safetensors.index.json'))
  expect(new Set(Object.values(weight_map))).toEqual(new Set(['model.safetensors']))
  await saveCausalLM(await stories(), files)
  expect(await weightsOf(files)).toEqual(whole)
})

it('a model whose config.json could not say what tensors it has is refused, and nothing is written', async () => {
  const model = tinyModel(await testDevice(), { attentionBias: 'qkv' })
  const files = memoryDirectory()
  await expect(saveCausalLM(model, files)).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringContaining('llama cannot say attentionBias: qkv'),
    remedy: expect.stringContaining('GGUF'),
  })
  expect(await files.list()).toEqual([])
  model.dispose()
})

it('a save beside an adapter is refused: other loaders would add it', async () => {
  const files = memoryDirectory({ 'adapter_config.json': '{}', 'adapter_model.safetensors': '' })
  await expect(saveCausalLM(await stories(), files)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  expect(await files.list()).toHaveLength(2)
})

it('what is written says what readers ask: the format, the size of all, a header that ends on eight bytes', async () => {
  const files = memoryDirectory()
  await saveCausalLM(await stories(), files, { maxShardBytes: 600_000 })
  const { metadata, weight_map } = JSON.parse(await files.readText('model.safetensors.index.json'))
  let dataBytes = 0
  for (const shard of new Set<string>(Object.values(weight_map))) {
    const bytes = await files.read(shard)
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
    expect(length % 8).toBe(0)
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
    expect(Object.keys(header)[0]).toBe('__metadata__')
    expect(header.__metadata__).toEqual({ format: 'pt' })
    dataBytes += bytes.length - 8 - length
  }
  expect(metadata.total_size).toBe(dataBytes)
})
