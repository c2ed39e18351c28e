import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Directory, directory, memoryDirectory, openSafetensors, readFloats } from '../files/index'
import { parameterCount } from '../model/index'
import { stories } from '../stories.fixture'
import { compareVocabularies } from '../tokenizer/index'
import { createDraft } from './create-draft'
import { randomModel } from './families.fixture'
import { loadCausalLM } from './load'
import { saveCausalLM } from './save'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'outrider-models-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** A copy of stories260K in memory, with some files changed or (undefined) left out. */
async function changed(changes: Record<string, Uint8Array | string | undefined>): Promise<Directory> {
  const source = directory(testData('stories260K'))
  const files: Record<string, Uint8Array | string> = {}
  for (const file of [
    'config.json',
    'generation_config.json',
    'model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
  ])
    files[file] = await source.read(file)
  for (const [file, content] of Object.entries(changes)) {
    if (content === undefined) delete files[file]
    else files[file] = content
  }
  return memoryDirectory(files, 'stories')
}

/** config.json with some fields changed. */
async function configWith(fields: object): Promise<{ 'config.json': string }> {
  const json = JSON.parse(await directory(testData('stories260K')).readText('config.json')) as object
  return { 'config.json': JSON.stringify({ ...json, ...fields }) }
}

const sameBytes = (a: ArrayBufferView, b: ArrayBufferView) =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength))

const load = async (files: Directory) => loadCausalLM(files, { device: await testDevice() })

describe('loadCausalLM', () => {
  it('loads a Hugging Face directory, saying how far it is', async () => {
    const device = await testDevice()
    const before = device.memory.liveBytes
    const progress: number[] = []
    const model = await loadCausalLM(testData('stories260K'), {
      device,
      onProgress: ({ loadedBytes, totalBytes }) => progress.push(loadedBytes / totalBytes),
    })
    expect(model.config).toMatchObject({ layers: 5, hiddenSize: 64, vocabularySize: 512 })
    expect(model.generationConfig).toEqual({ bosTokenId: 1, eosTokenIds: [2] })
    expect(model.source).toBe(testData('stories260K'))
    expect(progress).toHaveLength(47)
    expect(progress.at(-1)).toBe(1)
    model.dispose()
    expect(device.memory.liveBytes).toBe(before)
  })

  it('says that a directory is not there, or is no model, and how to get one', async () => {
    const device = await testDevice()
    await expect(loadCausalLM(join(root, 'no-such'), { device })).rejects.toMatchObject({
      code: 'FILE_MISSING',
      message: expect.stringMatching(/There is no model directory .*no-such.*Hugging Face/),
    })
    await expect(loadCausalLM(root, { device })).rejects.toMatchObject({
      message: expect.stringContaining('has no config.json'),
    })
  })

  it('loads files with NaN and infinities, as Python writes them, where nobody reads them', async () => {
    const source = directory(testData('stories260K'))
    const names = ['config.json', 'generation_config.json', 'tokenizer_config.json']
    const withNaN = async (file: string) =>
      [file, (await source.readText(file)).replace('{', '{"x": NaN, "y": [-Infinity, Infinity], ')] as const
    const model = await load(await changed(Object.fromEntries(await Promise.all(names.map(withNaN)))))
    expect(model.config).toMatchObject({ layers: 5 })
    model.dispose()
  })

  it.each([
    [
      'without tokenizer',
      async () => ({ 'tokenizer.json': undefined }),
      'FILE_MISSING',
      /stories has no file tokenizer.json/,
    ],
    [
      'without weights',
      async () => ({ 'model.safetensors': undefined }),
      'FILE_MISSING',
      /neither model.safetensors nor/,
    ],
    [
      'with broken JSON',
      async () => ({ 'config.json': '{"model_type":' }),
      'FILE_FORMAT',
      /stories\/config.json is not valid JSON/,
    ],
    [
      'of another architecture',
      () => configWith({ architectures: ['MambaForCausalLM'] }),
      'UNSUPPORTED',
      /MambaForCausalLM is not supported/,
    ],
    [
      'with too few layers',
      () => configWith({ num_hidden_layers: 6 }),
      'FILE_FORMAT',
      /stories: the weights lack 9 tensors: "model.layers.5/,
    ],
    [
      'with too many layers',
      () => configWith({ num_hidden_layers: 4 }),
      'FILE_FORMAT',
      /the weights have 9 tensors: "model.layers.4/,
    ],
    [
      'without its own head',
      () => configWith({ tie_word_embeddings: false }),
      'FILE_FORMAT',
      /lack tensor "lm_head.weight"/,
    ],
    [
      'of another width',
      () => configWith({ intermediate_size: 160 }),
      'FILE_FORMAT',
      /"model.layers.0.mlp.gate_proj.weight" is \[172, 64\]; the configuration makes it \[160, 64\]/,
    ],
  ] as const)('refuses a directory %s', async (_, changes, code, message) => {
    await expect(load(await changed(await changes()))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })

  it.each([7, 100, 6000, 1_044_983])('refuses weights cut off after %i bytes', async (bytes) => {
    const whole = await directory(testData('stories260K')).read('model.safetensors')
    const files = await changed({ 'model.safetensors': whole.slice(0, bytes) })
    await expect(load(files)).rejects.toMatchObject({
      code: 'FILE_FORMAT',
      message: expect.stringMatching(/stories\/model.safetensors.*byte \d+/),
    })
  })

  it('stops when it is told to, and frees what it had', async () => {
    const device = await testDevice()
    const before = device.memory.liveBytes
    const abort = new AbortController()
    const loading = loadCausalLM(testData('stories260K'), {
      device,
      signal: abort.signal,
      onProgress: ({ tensor }) => tensor.includes('layers.2') && abort.abort(),
    })
    await expect(loading).rejects.toMatchObject({ code: 'ABORTED' })
    expect(device.memory.liveBytes).toBe(before)
  })
})

describe('saveCausalLM', () => {
  it('writes a directory that loads with the same bits, and saves again to the same bytes', async () => {
    const original = await stories()
    const path = join(root, 'saved')
    await saveCausalLM(original, path)
    expect(await readdir(path)).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    const loaded = await load(directory(path))
    expect(loaded.config).toEqual(original.config)
    for (const [name, tensor] of Object.entries(original.model.parameters))
      expect(sameBytes(await loaded.model.parameters[name]!.data(), await tensor.data())).toBe(true)
    const again = memoryDirectory()
    await saveCausalLM(loaded, again)
    for (const file of await readdir(path))
      expect([file, sameBytes(await again.read(file), await directory(path).read(file))]).toEqual([file, true])
    loaded.dispose()
  })

  it('stores BF16 and shards when asked to', async () => {
    const original = await stories()
    const files = memoryDirectory()
    await saveCausalLM(original, files, { dtype: 'BF16', maxShardBytes: 200_000 })
    expect((await files.list()).filter((file) => file.endsWith('.safetensors')).length).toBeGreaterThan(2)
    expect(JSON.parse(await files.readText('config.json'))).toMatchObject({ torch_dtype: 'bfloat16' })
    const loaded = await load(files)
    const name = 'model.layers.3.mlp.up_proj.weight'
    const [stored, exact] = [await loaded.model.parameters[name]!.data(), await original.model.parameters[name]!.data()]
    for (const [i, value] of exact.entries())
      expect(Math.abs(stored[i]! - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -8)
    loaded.dispose()
  })
})

describe('the families', () => {
  it.each([
    { architecture: 'mistral', slidingWindow: 9 },
    { architecture: 'qwen2', attentionBias: 'qkv' as const },
    { architecture: 'qwen3', qkNorm: 'head' as const },
    { architecture: 'phi3' },
    { architecture: 'olmo2', normPlacement: 'after' as const, qkNorm: 'all' as const },
    { architecture: 'smollm3', layersWithoutRope: [1], attentionBias: 'all' as const, mlpBias: true },
    {
      ...{ architecture: 'granite', attentionScale: 0.2, embeddingScale: 3, residualScale: 0.4, logitScale: 1 / 49 },
      mlpBias: true,
    },
  ])('load as they were saved, to the bit: %o', async (fields) => {
    const original = await randomModel(fields)
    const files = memoryDirectory()
    await saveCausalLM(original, files)
    const loaded = await load(files)
    expect(loaded.config).toEqual(original.config)
    expect(Object.keys(loaded.model.parameters)).toEqual(Object.keys(original.model.parameters))
    for (const [name, tensor] of Object.entries(original.model.parameters))
      expect([name, sameBytes(await loaded.model.parameters[name]!.data(), await tensor.data())]).toEqual([name, true])
    loaded.dispose()
    original.dispose()
  })

  it('store what Phi-3 joins as Phi-3 does, queries above keys above values, gate above up', async () => {
    const original = await randomModel({ architecture: 'phi3' })
    const files = memoryDirectory()
    await saveCausalLM(original, files)
    const { tensors } = await openSafetensors(files)
    const names = [...tensors.keys()].filter((name) => name.startsWith('model.layers.1.'))
    expect(names.map((name) => name.slice('model.layers.1.'.length))).toEqual([
      'input_layernorm.weight',
      'mlp.down_proj.weight',
      'mlp.gate_up_proj.weight',
      'post_attention_layernorm.weight',
      'self_attn.o_proj.weight',
      'self_attn.qkv_proj.weight',
    ])
    const stored = await readFloats(files, tensors.get('model.layers.1.self_attn.qkv_proj.weight')!)
    const parts = await Promise.all(
      ['q', 'k', 'v'].map((part) => original.model.parameters[`model.layers.1.self_attn.${part}_proj.weight`]!.data()),
    )
    expect([...stored]).toEqual(parts.flatMap((part) => [...part]))
    original.dispose()
  })

  it('refuse a joined matrix of the wrong height', async () => {
    const original = await randomModel({ architecture: 'phi3' })
    const files = memoryDirectory()
    await saveCausalLM(original, files)
    original.dispose()
    const json = JSON.parse(await files.readText('config.json')) as object
    await files.write('config.json', JSON.stringify({ ...json, num_key_value_heads: 4 }))
    await expect(load(files)).rejects.toMatchObject({
      code: 'FILE_FORMAT',
      message: expect.stringMatching(/self_attn.qkv_proj.weight" is \[64, 32\]; the configuration makes it \[96, 32\]/),
    })
  })

  it('all get a plain Llama for a draft', async () => {
    const target = await randomModel({
      architecture: 'qwen3',
      qkNorm: 'head' as const,
      attentionBias: 'all',
      slidingWindow: 9,
    })
    const draft = createDraft(target, { layers: 1, hiddenSize: 16 })
    expect(draft.config.architecture).toBe('llama')
    expect(Object.keys(draft.model.parameters).filter((name) => /bias|q_norm/.test(name))).toEqual([])
    expect(draft.config.slidingWindow).toBeUndefined()
    draft.dispose()
    target.dispose()
  })
})

describe('createDraft', () => {
  it('makes a small model that speaks the same tokens', async () => {
    const target = await stories()
    const draft = createDraft(target, { layers: 2, hiddenSize: 32, seed: 5 })
    expect(draft.config).toMatchObject({
      layers: 2,
      hiddenSize: 32,
      heads: 4,
      kvHeads: 4,
      headDim: 8,
      intermediateSize: 96,
      vocabularySize: 512,
      contextLength: 512,
    })
    expect(compareVocabularies(target, draft)).toBe(512)
    expect(parameterCount(draft.config)).toBeLessThan(parameterCount(target.config))
    const files = memoryDirectory()
    await saveCausalLM(draft, files)
    const loaded = await load(files)
    expect(loaded.config).toEqual(draft.config)
    loaded.dispose()
    draft.dispose()
  })

  it.each([
    [{ layers: 0, hiddenSize: 32 }, /layers is 0/],
    [{ layers: 1, hiddenSize: 30, heads: 4 }, /hiddenSize 30 does not divide into 4 heads/],
    [{ layers: 1, hiddenSize: 32, heads: 4, kvHeads: 3 }, /4 heads cannot share 3/],
  ])('refuses %o', async (options, message) => {
    const target = await stories()
    expect(() => createDraft(target, options)).toThrow(message)
  })
})
