import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testData } from '@outrider/test-data'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ModelConfig } from '../../config/index'
import { openGguf } from '../../files/gguf/read'
import { directory, memoryDirectory } from '../../files/index'
import { stories } from '../../stories.fixture'
import { Tokenizer } from '../../tokenizer/index'
import { randomModel, smallGemma2, smallGemma3 } from '../families.fixture'
import { type PretrainedModel, pretrainedModel } from '../pretrained-model'
import { llamaCpp } from './llama-cpp.fixture'
import { logProbabilities } from './log-probabilities.fixture'
import { saveGguf } from './save-gguf'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'outrider-gguf-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const llama3Scaling = {
  type: 'llama3' as const,
  factor: 8,
  lowFrequencyFactor: 1,
  highFrequencyFactor: 4,
  originalContextLength: 16,
}

const yarn = {
  type: 'yarn' as const,
  factor: 4,
  originalContextLength: 512,
  ...{ betaFast: 32, betaSlow: 1, truncate: true, attentionFactor: 0.1 * Math.log(4) + 1 },
}
const yarnByMagnitude = { headDim: 16, ropeTheta: 100, ropeScaling: { ...yarn, attentionFactor: 0.7 } }
const longrope = (originalContextLength: number) => ({
  type: 'longrope' as const,
  originalContextLength,
  ...{ shortFactors: [1, 1.25], longFactors: [2, 6], attentionFactor: 1.19 },
})
const [full, sliding] = ['full_attention', 'sliding_attention'] as const
const withoutWindow = ({ slidingWindow: _, layerTypes: __, ...fields }: typeof smallGemma3) => fields

const ids = [1, 317, 269, 368, 302, 263, 377, 267, 265, 282]

/** The largest difference between what llama.cpp and this project make of a file and of the model it came from. */
async function difference(pretrained: PretrainedModel, dtype: 'F32' | 'F16' | 'Q8_0' = 'F32'): Promise<number> {
  const file = `${pretrained.config.architecture}-${dtype}.gguf`
  await saveGguf(pretrained, root, { file, dtype })
  const peer = await llamaCpp(join(root, file))
  const theirs = await peer.logProbabilities(ids)
  await peer.dispose()
  const expected = await logProbabilities(pretrained.model, ids)
  return Math.max(...expected.flatMap((row, i) => row.map((value, id) => Math.abs(value - theirs[i]![id]!))))
}

describe('saveGguf, read by llama.cpp', () => {
  it('gives stories260K the same probabilities', async () => {
    expect(await difference(await stories())).toBeLessThan(2e-3)
  })

  it.each([
    ['Llama', { architecture: 'llama' }],
    ['Llama with biases', { architecture: 'llama', attentionBias: 'all' as const, mlpBias: true }],
    [
      "Llama 3's rotary scaling",
      {
        architecture: 'llama',
        ropeScaling: llama3Scaling,
      },
    ],
    ['positions divided', { architecture: 'llama', ropeScaling: { type: 'linear' as const, factor: 4 } }],
    ['Mistral', { architecture: 'mistral', slidingWindow: 64 }],
    ['Qwen2', { architecture: 'qwen2', attentionBias: 'qkv' as const }],
    ['Qwen3', { architecture: 'qwen3', qkNorm: 'head' as const }],
    [
      'Qwen3 with wide heads and positions divided',
      {
        architecture: 'qwen3',
        qkNorm: 'head' as const,
        headDim: 16,
        ropeScaling: { type: 'linear' as const, factor: 2 },
      },
    ],
    [
      'Llama with wide heads, biases of queries, keys and values, a tied head',
      { architecture: 'llama', headDim: 16, attentionBias: 'qkv' as const, tieWordEmbeddings: true },
    ],
    ['Phi-3', { architecture: 'phi3' }],
    ['OLMo 2', { architecture: 'olmo2', normPlacement: 'after' as const, qkNorm: 'all' as const }],
    [
      'OLMo 2 with positions divided',
      {
        ...{ architecture: 'olmo2', normPlacement: 'after' as const, qkNorm: 'all' as const },
        ropeScaling: { type: 'linear' as const, factor: 4 },
      },
    ],
    [
      'SmolLM3 with a tied head',
      { architecture: 'smollm3', layers: 5, layersWithoutRope: [3], tieWordEmbeddings: true },
    ],
    [
      'SmolLM3 with wide heads and positions divided',
      {
        ...{ architecture: 'smollm3', layers: 4, layersWithoutRope: [3], headDim: 16 },
        ropeScaling: { type: 'linear' as const, factor: 4 },
      },
    ],
    [
      'Granite',
      { architecture: 'granite', attentionScale: 0.2, embeddingScale: 3, residualScale: 0.4, logitScale: 1 / 3 },
    ],
    [
      "Granite with biases, wide heads, Llama 3's rotary scaling and a tied head",
      {
        ...{ architecture: 'granite', attentionScale: 0.2, headDim: 16, tieWordEmbeddings: true },
        ...{ attentionBias: 'all' as const, mlpBias: true, ropeScaling: llama3Scaling },
      },
    ],
    ['Granite without scales', { architecture: 'granite' }],
    ['Llama with YaRN', { architecture: 'llama', ropeScaling: yarn }],
    ['Qwen2 with YaRN', { architecture: 'qwen2', attentionBias: 'qkv' as const, ropeScaling: yarn }],
    ['Qwen3 with YaRN by another magnitude', { ...yarnByMagnitude, architecture: 'qwen3', qkNorm: 'head' as const }],
    ['Phi-3 turned in part', { architecture: 'phi3', rotaryDim: 4 }],
    ['Phi-4-mini in a short context', { architecture: 'phi3', rotaryDim: 4, ropeScaling: longrope(512) }],
    ['Phi-4-mini in a long context', { architecture: 'phi3', rotaryDim: 4, ropeScaling: longrope(8) }],
    ['Gemma 2', smallGemma2],
    ['Gemma 3', smallGemma3],
    ['Gemma 3 with windows of its own', { ...smallGemma3, layerTypes: [sliding, full, sliding], logitSoftCap: 3 }],
    ['Gemma 3 with positions divided', { ...smallGemma3, ropeScaling: { type: 'linear' as const, factor: 8 } }],
    ['Gemma 3 without windows, a head of its own', { ...withoutWindow(smallGemma3), tieWordEmbeddings: false }],
  ])('gives a model with random weights the same probabilities: %s', async (_, fields) => {
    const model = await randomModel(fields)
    // llama.cpp looks GELU up in a table of f16, by x in f16.
    const rounding = 'activation' in fields ? 6e-3 : 2e-3
    expect(await difference(model)).toBeLessThan(rounding)
    model.dispose()
  })

  it.each([
    ['F16', 0.02],
    ['Q8_0', 0.5], // llama.cpp rounds the activations to 8 bits, too
  ] as const)('differs for stories260K by what %s rounds off, and no more', async (dtype, most) => {
    const found = await difference(await stories(), dtype)
    expect(found).toBeGreaterThan(1e-4)
    expect(found).toBeLessThan(most)
  })

  it.each([
    ['a cap is left out', { ...smallGemma2, attentionSoftCap: undefined }, /attention or head without a soft-cap/],
    ['scores are scaled otherwise', { ...smallGemma3, attentionScale: 0.1 }, /scale of attention of its own/],
    ['windows follow no period', { ...smallGemma3, layerTypes: [full, full, sliding] }, /layers that follow no period/],
    [
      'the head of a Gemma 2 is not the embedding',
      { ...smallGemma2, tieWordEmbeddings: false },
      /head beside the embed/,
    ],
  ])('is not asked for what llama.cpp computes otherwise: %s', async (_, fields, message) => {
    const model = await randomModel(fields as Parameters<typeof randomModel>[0])
    await expect(saveGguf(model, root)).rejects.toThrow(message)
    model.dispose()
  })

  it('cuts text into the same tokens', async () => {
    await saveGguf(await stories(), root, { file: 'tokens.gguf' })
    const peer = await llamaCpp(join(root, 'tokens.gguf'))
    const { tokenizer } = await stories()
    for (const text of ['Once upon a time', 'Lily’s cat, "Möhre", ate 12 apples!', '  two  spaces', '🦊 and\nnew line'])
      expect([text, peer.tokenize(text)]).toEqual([text, tokenizer.encode(text, { addSpecialTokens: false })])
    await peer.dispose()
  })
})

describe('saveGguf', () => {
  it('refuses a tokenizer that llama.cpp could not follow', async () => {
    const json = JSON.parse(await directory(testData('stories260K')).readText('tokenizer.json')) as {
      model: { byte_fallback: boolean }
    }
    json.model.byte_fallback = false
    const model = pretrainedModel((await stories()).model, {
      ...(await stories()),
      tokenizer: Tokenizer.fromJson(JSON.stringify(json)),
    })
    const files = memoryDirectory()
    await expect(saveGguf(model, files)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/without tokens for bytes.*convert_hf_to_gguf/),
    })
    expect(await files.list()).toEqual([])
  })

  it.each(['F16', 'Q8_0', 'Q4_0', 'Q5_1'] as const)(
    'names the tensor that %s cannot hold, and writes nothing',
    async (dtype) => {
      const model = await randomModel({ architecture: 'llama', intermediateSize: 64 })
      const name = 'model.layers.1.mlp.down_proj.weight'
      const weight = model.model.parameters[name]!
      const values = (await weight.data()) as Float32Array
      weight.write(values.fill(1e8, 70, 71))
      const files = memoryDirectory()
      await expect(saveGguf(model, files, { dtype })).rejects.toMatchObject({
        code: 'UNSUPPORTED',
        message: expect.stringContaining(`Tensor "${name}" has the value 100000000 (element 70)`),
      })
      expect(await files.list()).toEqual([])
      model.dispose()
    },
  )

  it('has every matrix in the type that was asked for, however wide: where blocks do not fit, in F16', async () => {
    // 64 columns and 172.
    const files = memoryDirectory()
    for (const [dtype, wide] of [
      ['F16', 'F16'],
      ['Q8_0', 'F16'],
      ['Q4_0', 'F16'],
      ['Q4_1', 'F16'],
      ['Q5_0', 'F16'],
      ['Q5_1', 'F16'],
      ['F32', 'F32'],
    ] as const) {
      await saveGguf(await stories(), files, { dtype })
      const { tensors } = await openGguf(files, 'model.gguf')
      const types = ['blk.0.ffn_up.weight', 'blk.0.ffn_down.weight', 'blk.0.attn_norm.weight']
      expect(types.map((name) => tensors.get(name)!.dtype)).toEqual([dtype, wide, 'F32'])
      expect(tensors.get('token_embd.weight')!.dtype).toBe(/^Q[45]/.test(dtype) ? 'Q8_0' : dtype)
    }
  })

  it.each<[string, Partial<ModelConfig> & { architecture: string }, RegExp]>([
    [
      'biases after attention',
      { architecture: 'qwen3', qkNorm: 'head' as const, attentionBias: 'all' },
      /bias after attention .* qwen3/,
    ],
    ['biases of queries', { architecture: 'phi3', attentionBias: 'qkv' }, /bias of queries, keys and values .* phi3/],
    [
      'norms of queries and keys',
      { architecture: 'llama', qkNorm: 'head' as const },
      /norm of queries and keys .* llama/,
    ],
    [
      "Llama 3's scaling",
      { architecture: 'qwen2', attentionBias: 'qkv', ropeScaling: llama3Scaling },
      /rotary scaling .* qwen2/,
    ],
    [
      'a window in some layers',
      {
        ...{ architecture: 'qwen3', qkNorm: 'head' as const, slidingWindow: 4 },
        layerTypes: ['full_attention', 'sliding_attention'],
      },
      /window in some layers only .* qwen3/,
    ],
    ["YaRN's other bounds", { architecture: 'llama', ropeScaling: { ...yarn, betaFast: 16 } }, /beta_fast 16.* llama/],
    ['bounds between pairs', { architecture: 'llama', ropeScaling: { ...yarn, truncate: false } }, /truncate false/],
    ['LongRoPE', { architecture: 'llama', headDim: 4, ropeScaling: longrope(8) }, /scaling of type longrope .* llama/],
    ['a part of heads', { architecture: 'llama', rotaryDim: 4 }, /heads that are turned in part .* llama/],
    ['wide heads', { architecture: 'phi3', headDim: 16 }, /4 heads of 16 beside a hidden size of 32 .* phi3/],
    [
      'wide heads, nor there',
      { architecture: 'olmo2', normPlacement: 'after', qkNorm: 'all', headDim: 16 },
      /4 heads of 16 beside a hidden size of 32 .* olmo2/,
    ],
    ['norms before the blocks', { architecture: 'olmo2', qkNorm: 'all' }, /other place of norms .* olmo2/],
    [
      'a tied head',
      { architecture: 'olmo2', normPlacement: 'after', qkNorm: 'all', tieWordEmbeddings: true },
      /head that is the embedding .* olmo2/,
    ],
    [
      'biases of attention',
      { architecture: 'olmo2', normPlacement: 'after', qkNorm: 'all', attentionBias: 'all' },
      /bias after attention .* olmo2/,
    ],
    [
      'other layers without rotary positions',
      { architecture: 'smollm3', layers: 4, layersWithoutRope: [1, 3] },
      /other choice of layers without rotary positions .* smollm3/,
    ],
    [
      'rotary positions in every layer',
      { architecture: 'smollm3', layers: 4 },
      /other choice of layers without rotary positions .* smollm3/,
    ],
    [
      'biases of the MLP',
      { architecture: 'smollm3', layers: 4, layersWithoutRope: [3], mlpBias: true },
      /bias of the MLP .* smollm3/,
    ],
  ])('refuses what llama.cpp does not compute in an architecture: %s', async (_, fields, message) => {
    const model = await randomModel(fields)
    const files = memoryDirectory()
    await expect(saveGguf(model, files)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(message),
    })
    expect(await files.list()).toEqual([])
    model.dispose()
  })

  it('names the model, not its place, and says how its authors sample', async () => {
    const base = await stories()
    const generationConfig = { eosTokenIds: [2], doSample: true, temperature: 0.6, topK: 20, topP: 0.95 }
    const files = memoryDirectory()
    await saveGguf({ ...base, source: '/tests/phi-3/my_draft', generationConfig }, files)
    const { metadata } = await openGguf(files, 'model.gguf')
    const general = [...metadata].filter(([key]) => key.startsWith('general.'))
    expect(Object.fromEntries(general)).toMatchObject({
      'general.name': 'my draft',
      'general.sampling.temp': expect.closeTo(0.6, 6),
      'general.sampling.top_k': 20,
      'general.sampling.top_p': expect.closeTo(0.95, 6),
    })
    await saveGguf({ ...base, generationConfig: { ...generationConfig, doSample: false } }, files)
    const greedy = (await openGguf(files, 'model.gguf')).metadata
    expect([...greedy.keys()].filter((key) => key.startsWith('general.sampling'))).toEqual([])
  })
})
