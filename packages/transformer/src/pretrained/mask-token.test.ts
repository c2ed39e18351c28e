import type { Device } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { openGguf } from '../files/gguf/read'
import { memoryDirectory } from '../files/index'
import { Decoder } from '../model/index'
import { stories } from '../stories.fixture'
import { draftConfig } from './create-draft'
import { readGgufMaskToken } from './gguf/mask-token'
import { saveGguf } from './gguf/save-gguf'
import { loadCausalLM } from './load'
import { modelIdentity } from './model-identity'
import { pretrainedModel } from './pretrained-model'
import { saveCausalLM } from './save'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

/** A draft whose embedding has a row beyond its tokenizer's 512 tokens, for what is not drafted yet. */
async function parallelDraft() {
  const target = await stories()
  const config = draftConfig(target.config, { layers: 1, hiddenSize: 16 })
  const model = Decoder.initialize(device, { ...config, vocabularySize: 513, maskTokenId: 512 })
  return pretrainedModel(model, { ...target, source: 'parallel' })
}

describe('a draft that names the token that stands for what is not drafted yet', () => {
  it.each(['directory', 'gguf'])('loads as it was saved, as %s', async (format) => {
    const draft = await parallelDraft()
    const files = memoryDirectory()
    if (format === 'gguf') await saveGguf(draft, files)
    else await saveCausalLM(draft, files)
    const loaded = await loadCausalLM(files, { device, file: format === 'gguf' ? 'model.gguf' : undefined })
    expect(loaded.config).toMatchObject({ vocabularySize: 513, maskTokenId: 512 })
    const embedding = 'model.embed_tokens.weight'
    expect(await loaded.model.parameters[embedding]!.data()).toEqual(await draft.model.parameters[embedding]!.data())
    for (const each of [draft, loaded]) each.dispose()
  })

  it('is another model than one that names none', async () => {
    const draft = await parallelDraft()
    const { maskTokenId: _, ...config } = draft.config
    const sequential = pretrainedModel(new Decoder(device, config, draft.model.parameters), draft)
    const identities = await Promise.all([draft, sequential].map((model) => modelIdentity(model)))
    expect(identities[0]).not.toEqual(identities[1])
    draft.dispose()
  })

  it.each([513, -1, 'mask'])('is refused where a GGUF file names no id of the vocabulary: %s', async (id) => {
    const draft = await parallelDraft()
    const files = memoryDirectory()
    await saveGguf(draft, files)
    const { config } = draft
    draft.dispose()
    const file = await openGguf(files, 'model.gguf')
    const metadata = new Map(file.metadata).set('outrider.pard_token', id)
    expect(() => readGgufMaskToken({ ...file, metadata }, config)).toThrow(
      expect.objectContaining({ code: 'FILE_FORMAT', message: expect.stringContaining('a token id below 513') }),
    )
  })
})
