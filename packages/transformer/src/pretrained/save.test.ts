import { describe, expect, it } from 'vitest'
import { type Directory, memoryDirectory } from '../files/index'
import { stories } from '../stories.fixture'
import { saveCausalLM } from './save'

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
