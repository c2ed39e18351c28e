import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Tensor } from '@outrider/tensor'
import { type Format, type FormatName, formats } from '@outrider/tensor/internal'
import { randomWeights, testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { llama } from '../../config/families/llama'
import type { GgufDtype } from '../../files/gguf/dtype'
import { type RawValue, rawGguf } from '../../files/gguf/raw-gguf.fixture'
import { type GgufFile, type GgufMetadataValue, openGguf } from '../../files/gguf/read'
import { writeGguf } from '../../files/gguf/write'
import { directory, memoryDirectory, storedToFloats } from '../../files/index'
import { stories, storiesReference } from '../../stories.fixture'
import { ggufVocabulary } from '../../tokenizer/gguf/to-gguf'
import { ChatTemplate, compareVocabularies } from '../../tokenizer/index'
import { randomModel, smallGemma2, smallGemma3 } from '../families.fixture'
import { loadCausalLM } from '../load'
import { llamaCpp } from './llama-cpp.fixture'
import { logProbabilities } from './log-probabilities.fixture'
import { isMoved } from './norm-offset'
import { saveGguf } from './save-gguf'
import { configMetadata } from './write-config'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'outrider-gguf-in-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe('loadCausalLM of a GGUF file', () => {
  it("loads llama.cpp's own file of stories260K as the directory: the same bits, tokens and ends", async () => {
    const device = await testDevice()
    const fromDirectory = await stories()
    const loaded = await loadCausalLM(testData('stories260K/stories260K.f32.gguf'), { device })
    expect(loaded.generationConfig.eosTokenIds).toEqual([2])
    const { initializerRange: _, ...config } = fromDirectory.config
    expect(loaded.config).toMatchObject({ ...config, tieWordEmbeddings: false }) // the file has the head a second time
    for (const [name, tensor] of Object.entries(fromDirectory.model.parameters))
      expect([name, await loaded.model.parameters[name]!.data()]).toEqual([name, await tensor.data()])
    for (const { prompt, ids, text } of storiesReference()) {
      expect(loaded.tokenizer.encode(prompt)).toEqual(ids)
      expect(loaded.tokenizer.decode(loaded.tokenizer.encode(text))).toBe(text)
    }
    loaded.dispose()
  })

  it.each([
    { architecture: 'llama' },
    { architecture: 'llama', attentionBias: 'all' as const, tieWordEmbeddings: true },
    {
      architecture: 'llama',
      ropeScaling: {
        type: 'llama3' as const,
        factor: 32,
        lowFrequencyFactor: 1,
        highFrequencyFactor: 4,
        originalContextLength: 8192,
      },
    },
    { architecture: 'llama', ropeScaling: { type: 'linear' as const, factor: 4 } },
    { architecture: 'qwen2', attentionBias: 'qkv' as const },
    { architecture: 'qwen3', qkNorm: 'head' as const },
    { architecture: 'phi3' },
    { architecture: 'olmo2', normPlacement: 'after' as const, qkNorm: 'all' as const },
    { architecture: 'smollm3', layers: 5, layersWithoutRope: [3], tieWordEmbeddings: true },
    {
      ...{ architecture: 'granite', attentionScale: 0.2, embeddingScale: 3, residualScale: 0.4, logitScale: 1 / 49 },
      ...{ attentionBias: 'all' as const, mlpBias: true },
    },
    {
      ...{ architecture: 'phi3', rotaryDim: 4 },
      ropeScaling: {
        type: 'longrope' as const,
        originalContextLength: 64,
        ...{ shortFactors: [1, 1.25], longFactors: [2, 6.1], attentionFactor: 1.19 },
      },
    },
    {
      architecture: 'llama',
      ropeScaling: {
        type: 'yarn' as const,
        factor: 4,
        originalContextLength: 64,
        ...{ betaFast: 32, betaSlow: 1, truncate: true, attentionFactor: 1.25 },
      },
    },
    smallGemma2,
    smallGemma3,
    {
      ...smallGemma3,
      layerTypes: ['sliding_attention' as const, 'full_attention' as const, 'sliding_attention' as const],
    },
  ])('gives back what saveGguf wrote, to the bit: %o', async (fields) => {
    const device = await testDevice()
    const original = await randomModel(fields)
    const files = memoryDirectory()
    await saveGguf(original, files, { file: 'm.gguf' })
    const loaded = await loadCausalLM(files, { device, file: 'm.gguf' })
    const { initializerRange: _, ...config } = original.config
    expect(loaded.config).toMatchObject(config)
    // Of norms that are moved, what they multiply by.
    const meant = async (name: string, tensor: Tensor) => {
      const values = (await tensor.data()) as Float32Array
      return isMoved(name, original.config) ? values.map((value) => 1 + value) : values
    }
    for (const [name, tensor] of Object.entries(original.model.parameters))
      expect([name, await meant(name, loaded.model.parameters[name]!)]).toEqual([name, await meant(name, tensor)])
    expect(loaded.tokenizer.fingerprint).toBe(original.tokenizer.fingerprint)
    expect(loaded.generationConfig).toMatchObject({ bosTokenId: 1, eosTokenIds: [2] })
    loaded.dispose()
    original.dispose()
  })

  it('keeps a chat template, several ends and the tokens of a padded vocabulary', async () => {
    const device = await testDevice()
    const made = await randomModel({ architecture: 'llama', vocabularySize: 520 })
    const chatTemplate = new ChatTemplate('{% for m in messages %}{{ m.content }}{% endfor %}')
    const original = { ...made, chatTemplate, generationConfig: { bosTokenId: 1, eosTokenIds: [2, 7] } }
    const files = memoryDirectory()
    await saveGguf(original, files)
    const loaded = await loadCausalLM(files, { device, file: 'model.gguf' })
    expect(loaded.chatTemplate?.source).toBe(chatTemplate.source)
    expect(loaded.generationConfig.eosTokenIds).toEqual([2, 7])
    expect(loaded.config.vocabularySize).toBe(520)
    expect(compareVocabularies(loaded, await stories())).toBe(512)
    const text = 'Once upon a time'
    expect(loaded.tokenizer.encode(text)).toEqual(original.tokenizer.encode(text))
    loaded.dispose()
    made.dispose()
  })

  it('loads a model in parts as the whole, from a directory and from a web server, and as llama.cpp does', async () => {
    const device = await testDevice()
    const whole = new Uint8Array(await readFile(testData('stories260K/stories260K.f32.gguf')))
    const source = await openGguf(memoryDirectory({ 'm.gguf': whole }), 'm.gguf')
    const entries = [...source.tensors.values()]
    const parts = [entries.slice(0, 20), entries.slice(20, 21), entries.slice(21)]
    const files = parts.map((tensors, no) => {
      const split: Record<string, RawValue> = {
        'split.no': ['u16', no],
        'split.count': ['u16', parts.length],
        'split.tensors.count': ['i32', entries.length],
      }
      return rawGguf({
        values: { ...(no === 0 && storiesValues(source.metadata)), ...split },
        tensors: tensors.map(({ name, shape, start, end }) => ({ name, shape, bytes: whole.slice(start, end) })),
      })
    })
    const names = files.map((_, no) => `parts-0000${no + 1}-of-00003.gguf`)
    for (const [no, name] of names.entries()) await writeFile(join(root, name), files[no]!)

    const peer = await llamaCpp(join(root, names[0]!))
    const text = 'Once upon a time'
    const ids = peer.tokenize(text)
    await peer.dispose()
    const server = createServer((request, response) => {
      const file = files[names.indexOf(request.url!.slice(1))]
      const [, first, last] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? []
      if (!file) return response.writeHead(404).end()
      if (first === undefined) return response.writeHead(200, { 'content-length': file.length }).end(file)
      const end = Math.min(Number(last), file.length - 1)
      const range = { 'content-range': `bytes ${first}-${end}/${file.length}` }
      return response.writeHead(206, range).end(file.subarray(Number(first), end + 1))
    })
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { parameters } = (await stories()).model
    for (const place of [root, address]) {
      const loaded = await loadCausalLM(`${place}/${names[0]}`, { device })
      expect(loaded.tokenizer.encode(text, { addSpecialTokens: false })).toEqual(ids)
      for (const [name, tensor] of Object.entries(parameters))
        expect([name, await loaded.model.parameters[name]!.data()]).toEqual([name, await tensor.data()])
      loaded.dispose()
    }
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
    await expect(loadCausalLM(join(root, names[1]!), { device })).rejects.toThrow(/part 2 of 3/)
  })

  it('refuses architectures, element types and features that are not implemented, by name', async () => {
    const device = await testDevice()
    const load = async (changes: [string, string | number][], file = 'm.gguf') => {
      const metadata = new Map(configMetadata((await stories()).config, llama))
      metadata.set('general.architecture', { type: 'string', value: 'llama' })
      for (const [key, value] of changes)
        metadata.set(key, typeof value === 'string' ? { type: 'string', value } : { type: 'u32', value })
      const files = memoryDirectory()
      const tensor = { name: 'token_embd.weight', dtype: 'F32' as const, shape: [512, 64] }
      await writeGguf(files, file, {
        metadata,
        tensors: [{ ...tensor, bytes: () => new Uint8Array(512 * 64 * 4) }],
      })
      return loadCausalLM(files, { device, file })
    }
    await expect(load([['general.architecture', 'mamba']])).rejects.toThrow(/architecture mamba is not supported/)
    await expect(load([['llama.expert_count', 8]])).rejects.toThrow(/llama\.expert_count is 8, which is not supported/)
    await expect(load([['llama.rope.scaling.type', 'longrope']])).rejects.toThrow(/rotary scaling of type "longrope"/)
    await expect(load([['llama.rope.scaling.yarn_beta_fast', 16]])).rejects.toThrow(/yarn_beta_fast is 16/)
    await expect(load([['llama.rope.dimension_count', 4]])).rejects.toThrow(/rotating 4 of 8/)
    await expect(load([['llama.block_count', 0]])).rejects.toMatchObject({ code: 'FILE_FORMAT' })
    await expect(load([['tokenizer.ggml.model', 'bert']])).rejects.toThrow(/of the kind bert/)
    await expect(loadCausalLM(root, { device })).rejects.toThrow(/no config.json/)
  })
})

/** The metadata of stories260K as llama.cpp wrote it, with its types. */
function storiesValues(metadata: GgufFile['metadata']): Record<string, RawValue> {
  const typed = (key: string, value: GgufMetadataValue): RawValue => {
    if (typeof value === 'string') return ['string', value]
    if (typeof value === 'boolean') return ['bool', value]
    if (typeof value === 'number') return [key.endsWith('epsilon') || key.endsWith('freq_base') ? 'f32' : 'u32', value]
    const list = value as (string | number)[]
    return [typeof list[0] === 'string' ? 'string[]' : key.endsWith('scores') ? 'f32[]' : 'i32[]', list]
  }
  return Object.fromEntries([...metadata].map(([key, value]) => [key, typed(key, value)]))
}

describe('block formats', () => {
  const names = (Object.keys(formats) as FormatName[]).filter((name) => (formats[name] as Format).elements > 1)

  it.each(names.map((name) => [name.toUpperCase() as Uppercase<FormatName>, name] as const))(
    'mean in a model what they mean in llama.cpp: %s',
    async (dtype, format) => {
      const device = await testDevice()
      const base = await randomModel({ architecture: 'llama', hiddenSize: 256, intermediateSize: 256, headDim: 64 })
      const plain = memoryDirectory()
      await saveGguf(base, plain, { file: 'plain.gguf' })
      const source = await openGguf(plain, 'plain.gguf')
      const metadata = new Map([
        ['general.architecture', { type: 'string' as const, value: 'llama' }],
        ...configMetadata(base.config, llama),
        ...ggufVocabulary(base).metadata,
      ])
      // The same model twice: matrices in blocks, and what those blocks mean in f32.
      const write = (file: string, blocks: boolean) =>
        writeGguf(directory(root), file, {
          metadata,
          tensors: [...source.tensors.values()].map((entry, i) => {
            const { name, shape } = entry
            if (shape.length === 1)
              return { name, shape, dtype: 'F32' as GgufDtype, bytes: () => plain.read('plain.gguf', entry) }
            const bytes = randomWeights(format, shape[0]! * shape[1]!, 10 * i)
            if (blocks) return { name, shape, dtype, bytes: () => bytes }
            return {
              name,
              shape,
              dtype: 'F32' as GgufDtype,
              bytes: () => new Uint8Array(storedToFloats(bytes, dtype).buffer),
            }
          }),
        })
      await write('blocks.gguf', true)
      await write('floats.gguf', false)
      const theirs = async (file: string) => {
        const peer = await llamaCpp(join(root, file))
        const rows = await peer.logProbabilities(ids)
        await peer.dispose()
        return rows
      }
      const ids = [1, 317, 269, 368, 302, 263]
      const [blocks, floats] = [await theirs('blocks.gguf'), await theirs('floats.gguf')]
      const loaded = await loadCausalLM(join(root, 'blocks.gguf'), { device })
      const ours = await logProbabilities(loaded.model, ids)
      const differences = (a: ArrayLike<number>[], b: ArrayLike<number>[]) =>
        a.flatMap((row, r) => Array.from(row, (value, i) => Math.abs(value - b[r]![i]!)))
      // Multiplied by llama.cpp as blocks and as what we say they mean: its 8-bit products differ by 0.04 at most in the
      // mean; one wrong scale or half in a block makes that 0.7 and more.
      const rounding = differences(floats, blocks)
      expect(rounding.reduce((sum, value) => sum + value, 0) / rounding.length).toBeLessThan(0.1)
      expect(Math.max(...differences(ours, floats))).toBeLessThan(2e-3)
      loaded.dispose()
      base.dispose()
    },
  )
})
