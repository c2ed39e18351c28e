import type { Device } from '@outrider/tensor'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { memoryDirectory } from '../files/index'
import { byteTokenizer } from '../tokenizer/index'
import { createDraft } from './create-draft'
import { loadCausalLM } from './load'
import { parallelDraft } from './parallel-draft'
import type { PretrainedModel } from './pretrained-model'
import { saveCausalLM } from './save'
import { tinyModel } from './tiny-model.fixture'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

const table = 'model.embed_tokens.weight'
const valuesOf = ({ model }: PretrainedModel, name: string) => model.parameters[name]!.data()

describe('the token of a parallel draft that stands for what is not drafted yet', () => {
  it('is the first row of the embedding that no token has', async () => {
    const draft = tinyModel(device, { vocabularySize: 264 })
    const parallel = parallelDraft(draft)
    expect(parallel.config).toEqual({ ...draft.config, maskTokenId: 258 })
    expect(await valuesOf(parallel, table)).toEqual(await valuesOf(draft, table))
    for (const model of [draft, parallel]) model.dispose()
  })

  it('is a special token that is reserved by its name, where the embedding is as high as the vocabulary', () => {
    const tokenizer = byteTokenizer({
      specialTokens: ['<bos>', '<|reserved_special_token_0|>', '<|reserved_special_token_1|>', '<end>'],
    })
    const own = tinyModel(device, { vocabularySize: 260 })
    const parallel = parallelDraft({ ...own, tokenizer })
    expect(parallel.config).toMatchObject({ maskTokenId: 258, vocabularySize: 260 })
    for (const model of [own, parallel]) model.dispose()
  })

  it('is the one that is given, or that the draft has', () => {
    const own = tinyModel(device)
    const given = parallelDraft(own, { maskTokenId: 7 })
    expect(given.config).toMatchObject({ maskTokenId: 7, vocabularySize: 258 })
    const again = parallelDraft(given)
    expect(again.config).toEqual(given.config)
    for (const model of [own, given, again]) model.dispose()
  })

  it.each([
    ['tied', true, undefined],
    ['of its own', false, undefined],
    ['over some ids', false, [40, 41, 42]],
  ] as const)(
    'is a row that is added, the mean of the others, with a head %s, and stored',
    async (_, tied, vocabulary) => {
      const target = tinyModel(device)
      const draft = createDraft(target, {
        ...{ layers: 1, hiddenSize: 16, heads: 2, seed: 2, tieWordEmbeddings: tied },
        ...(vocabulary && { vocabulary }),
      })
      const parallel = parallelDraft(draft)
      expect(parallel.config).toMatchObject({ maskTokenId: 258, vocabularySize: 259 })
      for (const name of [table, ...(tied || vocabulary ? [] : ['lm_head.weight'])]) {
        const before = await valuesOf(draft, name)
        const means = Array.from({ length: 16 }, (_, i) => {
          let sum = 0
          for (let id = 0; id < 258; id++) sum += before[id * 16 + i]!
          return sum / 258
        })
        const after = await valuesOf(parallel, name)
        expect(after.subarray(0, before.length)).toEqual(before)
        await expectAllClose([...after.subarray(before.length)], means, { absolute: 1e-6 })
      }
      const files = memoryDirectory()
      await saveCausalLM(parallel, files)
      const config = JSON.parse(await files.readText('config.json'))
      expect(config).toMatchObject({ pard_token: 258, spd_type: 'pard', vocab_size: 259 })
      const loaded = await loadCausalLM(files, { device })
      expect(loaded.config).toEqual(parallel.config)
      const ids = () => device.tensor(Uint32Array.of(41, 97, 258), { shape: [1, 3] })
      const logits = await Promise.all(
        [parallel, loaded].map(({ model }) => {
          const logits = device.scope(() => model.forward(ids()))
          return logits.data().finally(() => logits.dispose())
        }),
      )
      const finite = (all: ArrayLike<number>) => Array.from(all, (value) => (value === -Infinity ? -1e9 : value))
      await expectAllClose(finite(logits[1]!), finite(logits[0]!), { absolute: 1e-6 })
      for (const model of [target, draft, parallel, loaded]) model.dispose()
    },
  )

  it('is none that ends answers, begins texts or is beyond the vocabulary', () => {
    const own = tinyModel(device, { eosTokenIds: [257] })
    const refusal = (text: string) =>
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(text) })
    for (const [maskTokenId, text] of [
      [257, 'Token 257 cannot stand for what is not drafted yet: it ends answers'],
      [256, 'texts begin with it'],
      [258, 'ids from 0 to 257'],
      [-1, 'ids from 0 to 257'],
    ] as const)
      expect(() => parallelDraft(own, { maskTokenId })).toThrow(refusal(text))
    own.dispose()
  })
})
