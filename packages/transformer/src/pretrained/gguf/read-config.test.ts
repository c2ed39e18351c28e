import { describe, expect, it } from 'vitest'
import { type RawValue, rawGguf } from '../../files/gguf/raw-gguf.fixture'
import type { GgufFile, GgufMetadataValue } from '../../files/gguf/read'
import { memoryDirectory, type OnWarning } from '../../files/index'
import { ggufWeights } from './gguf-weights'
import { openGgufModel } from './open-gguf-model'
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

describe('a Gemma', () => {
  /** As llama.cpp's converter writes it, which leaves most to the architecture. */
  const read = async (architecture: string, changes: Record<string, GgufMetadataValue>) => {
    const own = { ...sizes, 'llama.block_count': 7, 'llama.attention.key_length': 8, 'llama.attention.value_length': 8 }
    const renamed = Object.entries({ ...own, ...changes }).map(([key, value]) => [
      key.replace('llama.', `${architecture}.`),
      value,
    ])
    const file = header(Object.fromEntries(renamed))
    return (
      await readGgufConfig({ ...file, metadata: new Map(file.metadata).set('general.architecture', architecture) })
    ).config
  }
  const [full, sliding] = ['full_attention', 'sliding_attention']

  it('2 has caps and a window in every other layer, said or not', async () => {
    const implied = { normPlacement: 'around', normOffset: 1, activation: 'gelu_tanh', tieWordEmbeddings: true }
    const layerTypes = [sliding, full, sliding, full, sliding, full, sliding]
    expect(await read('gemma2', {})).toMatchObject({
      ...implied,
      embeddingScale: Math.sqrt(8),
      attentionScale: 8 ** -0.5,
      attentionSoftCap: 50,
      logitSoftCap: 30,
      slidingWindow: 4096,
      layerTypes,
    })
    const said = { 'llama.attn_logit_softcapping': 7, 'llama.final_logit_softcapping': 9 }
    expect(await read('gemma2', { ...said, 'llama.attention.sliding_window': 6 })).toMatchObject({
      attentionSoftCap: 7,
      logitSoftCap: 9,
      slidingWindow: 6,
      layerTypes,
    })
  })

  it('3 has a window where one is said, in five of six layers or as the file says, and a base of its own there', async () => {
    const plain = await read('gemma3', {})
    for (const field of ['slidingWindow', 'layerTypes', 'attentionSoftCap', 'logitSoftCap'])
      expect(plain).not.toHaveProperty(field)
    const said = { 'llama.attention.sliding_window': 6, 'llama.rope.freq_base': 1e6 }
    expect(await read('gemma3', said)).toMatchObject({
      qkNorm: 'head',
      ropeTheta: 1e6,
      slidingRope: { ropeTheta: 10_000 },
      slidingWindow: 6,
      layerTypes: [sliding, sliding, sliding, sliding, sliding, full, sliding],
    })
    const more = { 'llama.attention.sliding_window_pattern': 3, 'llama.rope.freq_base_swa': 500 }
    expect(await read('gemma3', { ...said, ...more })).toMatchObject({
      slidingRope: { ropeTheta: 500 },
      layerTypes: [sliding, sliding, full, sliding, sliding, full, sliding],
    })
  })

  it.each([
    ['gemma2', 46],
    ['gemma3', 62],
  ])('as large as the largest of %s scales its scores by hiddenSize / heads', async (architecture, layers) => {
    const { attentionScale } = await read(architecture, { 'llama.block_count': layers })
    expect(attentionScale).toBe(4 ** -0.5)
  })
})

describe('rotary positions of a header', () => {
  const scaling = async (changes: Record<string, GgufMetadataValue>) =>
    (await readGgufConfig(header(changes))).config.ropeScaling

  it('are divided by a factor, also where nothing says how', async () => {
    expect(await scaling({ 'llama.rope.scaling.type': 'linear', 'llama.rope.scaling.factor': 4 })).toEqual({
      type: 'linear',
      factor: 4,
    })
    expect(await scaling({ 'llama.rope.scaling.factor': 4 })).toEqual({ type: 'linear', factor: 4 })
    expect(await scaling({ 'llama.rope.scale_linear': 2 })).toEqual({ type: 'linear', factor: 2 })
    expect(await scaling({ 'llama.rope.scale_linear': 2, 'llama.rope.scaling.factor': 3 })).toMatchObject({ factor: 3 })
  })

  it('are not, where that is said', async () => {
    expect(await scaling({ 'llama.rope.scaling.type': 'none', 'llama.rope.scaling.factor': 4 })).toBeUndefined()
    expect(await scaling({ 'llama.rope.scaling.type': 'linear' })).toBeUndefined()
    expect(await scaling({ 'llama.rope.scaling.factor': 0 })).toBeUndefined()
    expect(await scaling({ 'llama.rope.scaling.factor': 1 })).toBeUndefined()
  })

  it("are YaRN's, with llama.cpp's own bounds and magnitude", async () => {
    const yarn = { 'llama.rope.scaling.type': 'yarn', 'llama.rope.scaling.factor': 4 }
    expect(await scaling(yarn)).toEqual({
      type: 'yarn',
      factor: 4,
      originalContextLength: 32,
      ...{ betaFast: 32, betaSlow: 1, truncate: true, attentionFactor: 1.138629 },
    })
    const said = {
      'llama.rope.scaling.original_context_length': 16,
      'llama.rope.scaling.attn_factor': 0.5,
      'llama.rope.scaling.yarn_beta_fast': 32,
    }
    expect(await scaling({ ...yarn, ...said })).toMatchObject({
      ...{ originalContextLength: 16, attentionFactor: 0.5693147 },
    })
    await expect(scaling({ ...yarn, 'llama.rope.scaling.yarn_beta_fast': 16 })).rejects.toThrow(/yarn_beta_fast is 16/)
    await expect(scaling({ 'llama.rope.scaling.attn_factor': 0.5 })).rejects.toThrow(/attn_factor 0\.5 beside no YaRN/)
  })

  it.each(['longrope', 'dynamic'])('are refused by the name of another way: %s', async (type) => {
    await expect(scaling({ 'llama.rope.scaling.type': type, 'llama.rope.scaling.factor': 4 })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining(`rotary scaling of type "${type}"`),
    })
  })

  it('are refused with the factors for long contexts in an architecture without them, by the tensors', async () => {
    const long = { 'rope_factors_long.weight': [2], 'rope_factors_short.weight': [2] }
    await expect(readGgufConfig(header({}, long))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('(rope_factors_short.weight, rope_factors_long.weight)'),
    })
  })

  /** A header whose `rope_freqs.weight` holds these factors. */
  const byFrequency = (factors: number[], changes: Record<string, GgufMetadataValue> = {}) => {
    const bytes = new Uint8Array(Float32Array.from(factors).buffer)
    const shapes = { 'rope_freqs.weight': [factors.length] }
    const made = header({ 'llama.embedding_length': 16, ...changes }, shapes)
    Object.assign(made.tensors.get('rope_freqs.weight')!, { end: bytes.length })
    return { ...made, directory: memoryDirectory({ 'm.gguf': bytes }) }
  }

  it('are what they are with factors of 1', async () => {
    expect((await readGgufConfig(byFrequency([1, 1, 1, 1]))).config.ropeScaling).toBeUndefined()
  })

  it('are refused where their factors are of no way that is known, or beside another', async () => {
    await expect(readGgufConfig(byFrequency([1, 2, 3, 4]))).rejects.toThrow(/rope_freqs\.weight.* not Llama 3's/)
    await expect(readGgufConfig(byFrequency([1, 1, 1, 8], { 'llama.rope.scaling.factor': 2 }))).rejects.toThrow(
      /rope_freqs\.weight\) beside rope\.scaling\.factor 2/,
    )
  })
})

describe('sizes of layers', () => {
  it('may be given for each, where they are the same', async () => {
    const { config } = await readGgufConfig(header({ 'llama.attention.head_count': [2, 2] }))
    expect(config.heads).toBe(2)
    await expect(readGgufConfig(header({ 'llama.feed_forward_length': [16, 8] }))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('llama.feed_forward_length differs from layer to layer'),
    })
  })

  it('are refused where keys and values have heads of other widths', async () => {
    await expect(readGgufConfig(header({ 'llama.attention.value_length': 8 }))).rejects.toThrow(
      /4 elements in keys and 8 in values/,
    )
  })
})

describe('the header of a family', () => {
  /** The same sizes under the name of another architecture. */
  const of = (architecture: string, changes: Record<string, GgufMetadataValue>) => {
    const { metadata, ...rest } = header({})
    const renamed = [...metadata].map(([key, value]) => [key.replace(/^llama\./, `${architecture}.`), value] as const)
    const own = Object.entries(changes).map(([key, value]) => [`${architecture}.${key}`, value] as const)
    const all = new Map([...renamed, ['general.architecture', architecture] as const, ...own])
    return readGgufConfig({ ...rest, metadata: all })
  }

  it('implies its norms: OLMo 2', async () => {
    expect((await of('olmo2', {})).config).toMatchObject({ normPlacement: 'after', qkNorm: 'all' })
  })

  it('implies which layers have rotary positions: all but every 4th of SmolLM3', async () => {
    expect((await of('smollm3', { block_count: 9 })).config.layersWithoutRope).toEqual([3, 7])
    expect((await of('smollm3', { block_count: 3 })).config.layersWithoutRope).toBeUndefined()
  })

  it('says the scales of Granite, where 0 and absent are none', async () => {
    const scales = { embedding_scale: 12, residual_scale: 0.22, 'attention.scale': 0.0078125, logit_scale: 16 }
    expect((await of('granite', scales)).config).toMatchObject({
      ...{ embeddingScale: 12, residualScale: 0.22, attentionScale: 0.0078125, logitScale: 1 / 16 },
    })
    const none = { embedding_scale: 0, residual_scale: 1, 'attention.scale': 0, logit_scale: 1 }
    for (const changes of [none, { logit_scale: 1, 'rope.scaling.finetuned': true, 'attention.sliding_window': 0 }])
      expect(Object.keys((await of('granite', changes)).config).filter((key) => key.endsWith('Scale'))).toEqual([])
  })

  it.each<[string, string, GgufMetadataValue]>([
    ['olmo2', 'attention.sliding_window', 4096],
    ['granite', 'attention.sliding_window', 4096],
    ['granite', 'rope.scaling.finetuned', false],
    ['smollm3', 'attention.scale', 2],
  ])('is refused where it says what its family does not do: %s.%s is %s', async (architecture, key, value) => {
    await expect(
      of(architecture, { ...(architecture === 'granite' && { logit_scale: 1 }), [key]: value }),
    ).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining(`m.gguf: ${architecture}.${key} is ${value}, which is not supported`),
    })
  })

  it('must say what llama.cpp divides by', async () => {
    await expect(of('granite', {})).rejects.toThrow(/granite.logit_scale is missing/)
    await expect(of('granite', { logit_scale: 0 })).rejects.toThrow(/granite.logit_scale is 0/)
  })
})

it.each([
  ['blk.0.ffn_up.bias', /a bias in the MLP/],
  ['blk.0.ffn_gate_inp.weight', /a mixture of experts/],
  ['blk.0.ffn_up_exps.weight', /a mixture of experts/],
  ['blk.0.ffn_down.0.weight', /a mixture of experts/],
  ['blk.0.attn_qkv.weight', /joined in one matrix/],
  ['blk.0.attn_q.scale', /a scale beside them/],
  ['output.bias', /a bias of the head/],
  ['output_norm.bias', /a bias in a norm/],
  ['blk.0.post_ffw_norm.weight', /more norms/],
  ['blk.0.attn_sinks.weight', /attention sinks/],
  ['cls.output.weight', /a head that classifies/],
  ['blk.0.attn_q.weight.lora_a', /an adapter/],
  ['v.patch_embd.weight', /a vision or audio encoder/],
])('a tensor of what is not implemented is refused by name: %s', async (name, what) => {
  const file = header({}, { [name]: [8, 8] })
  const { config, family } = await readGgufConfig(file)
  expect(() => ggufWeights(file, config, family)).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringMatching(what) }),
  )
})

describe('a whole file', () => {
  const typed = (value: GgufMetadataValue): RawValue =>
    typeof value === 'string'
      ? ['string', value]
      : Number.isInteger(value)
        ? ['u32', value as number]
        : ['f32', value as number]
  const open = (changes: Record<string, RawValue>, rows = 300, onWarning?: OnWarning) => {
    const sized = Object.entries(sizes).map(([key, value]): [string, RawValue] => [key, typed(value)])
    const bytes = Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`)
    const values: Record<string, RawValue> = {
      ...Object.fromEntries(sized),
      'tokenizer.ggml.model': ['string', 'llama'],
      'tokenizer.ggml.tokens': ['string[]', ['<unk>', '<s>', '</s>', ...bytes]],
      'tokenizer.ggml.token_type': ['i32[]', [2, 3, 3, ...bytes.map(() => 6)]],
      ...changes,
    }
    const tensor = { name: 'token_embd.weight', shape: [rows, 8], bytes: new Uint8Array(rows * 32) }
    return openGgufModel(memoryDirectory({ 'm.gguf': rawGguf({ values, tensors: [tensor] }) }), 'm.gguf', onWarning)
  }

  it('says how its authors sample, and which tokens are meant', async () => {
    const { generationConfig, config } = await open({
      'general.sampling.temp': ['f32', 0.6],
      'general.sampling.top_k': ['i32', 20],
      'general.sampling.top_p': ['f32', 0.95],
      'general.sampling.min_p': ['f32', 0.05],
    })
    const advice = { temperature: 0.6, topK: 20, topP: 0.95, minP: 0.05 }
    expect(generationConfig).toEqual({ bosTokenId: 1, eosTokenIds: [2], ...advice })
    expect(config).toMatchObject({ bosTokenId: 1, eosTokenIds: [2], vocabularySize: 300 })
  })

  it('has no more tokens than rows of the embedding', async () => {
    await expect(open({}, 100)).rejects.toThrow(/has 259 tokens, and an embedding of 100/)
  })

  it('is opened with a warning that names what is passed over', async () => {
    const told: string[] = []
    await open({ 'llama.of_tomorrow': ['u32', 1] }, 300, ({ message }) => told.push(message))
    expect(told).toEqual(['memory/m.gguf: not known here, and ignored: llama.of_tomorrow.'])
  })
})
