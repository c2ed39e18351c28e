import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testData } from '@outrider/test-data'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { directory, memoryDirectory } from '../../files/index'
import { stories } from '../../stories.fixture'
import { Tokenizer } from '../../tokenizer/index'
import { randomModel } from '../families.fixture'
import { type PretrainedModel, pretrainedModel } from '../pretrained-model'
import { llamaCpp } from './llama-cpp.fixture'
import { logProbabilities } from './log-probabilities.fixture'
import { saveGguf } from './save-gguf'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'outrider-gguf-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

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
        ropeScaling: {
          type: 'llama3' as const,
          factor: 8,
          lowFrequencyFactor: 1,
          highFrequencyFactor: 4,
          originalContextLength: 16,
        },
      },
    ],
    ['positions divided', { architecture: 'llama', ropeScaling: { type: 'linear' as const, factor: 4 } }],
    ['Mistral', { architecture: 'mistral', slidingWindow: 64 }],
    ['Qwen2', { architecture: 'qwen2', attentionBias: 'qkv' as const }],
    ['Qwen3', { architecture: 'qwen3', qkNorm: true }],
    ['Phi-3', { architecture: 'phi3' }],
  ])('gives a model with random weights the same probabilities: %s', async (_, fields) => {
    const model = await randomModel(fields)
    expect(await difference(model)).toBeLessThan(2e-3)
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
      message: expect.stringMatching(/no known name.*convert_hf_to_gguf/),
    })
    expect(await files.list()).toEqual([])
  })

  it('refuses what llama.cpp has no place for', async () => {
    const model = await randomModel({ architecture: 'qwen3', qkNorm: true, attentionBias: 'all' })
    await expect(saveGguf(model, memoryDirectory())).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    model.dispose()
  })
})
