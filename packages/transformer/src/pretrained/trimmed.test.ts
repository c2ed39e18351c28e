import { type Device, OutriderError } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { openGguf } from '../files/gguf/read'
import { type Directory, memoryDirectory } from '../files/index'
import { stories } from '../stories.fixture'
import { createDraft } from './create-draft'
import { draftVocabularyFile } from './draft-vocabulary'
import { saveGguf } from './gguf/save-gguf'
import { loadCausalLM, openCausalLM } from './load'
import { modelIdentity } from './model-identity'
import type { PretrainedModel } from './pretrained-model'
import { saveCausalLM } from './save'
import { tinyModel } from './tiny-model.fixture'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

/** Near each other and far apart, an end of text among them. */
const vocabulary = [0, 1, 5, 32, 97, 98, 101, 110, 111, 116, 200, 257]
const ends = { eosTokenIds: [257] }

/** The files of a tiny model that covers these ids. */
async function trimmedFiles(fields: Parameters<typeof tinyModel>[1] = {}): Promise<Directory> {
  const whole = memoryDirectory()
  const model = tinyModel(device, { ...ends, ...fields })
  await saveCausalLM(model, whole)
  model.dispose()
  const trimmed = await loadCausalLM(whole, { device, vocabulary })
  const files = memoryDirectory()
  await saveCausalLM(trimmed, files)
  trimmed.dispose()
  return files
}

async function logitsOf({ model }: PretrainedModel): Promise<number[]> {
  const tokens = device.tensor(Uint32Array.of(256, 104, 101), { shape: [1, 3] })
  const logits = model.forward(tokens, { rows: 'last' })
  const values = [...(await logits.data())]
  for (const tensor of [tokens, logits]) tensor.dispose()
  return values
}

const bytesOf = async (files: Directory) =>
  Object.fromEntries(
    await Promise.all((await files.list()).map(async (name) => [name, await files.read(name)] as const)),
  )

describe.each([
  ['its own', { tieWordEmbeddings: false }],
  ['the embedding', { tieWordEmbeddings: true }],
])('a draft that covers some ids, whose head is %s', (_, fields) => {
  it('is saved as a whole directory with the ids beside it, and loads and saves to the same bytes', async () => {
    const files = await trimmedFiles(fields)
    expect(JSON.parse(await files.readText(draftVocabularyFile))).toEqual({ vocab_size: 258, ids: vocabulary })
    const loaded = await loadCausalLM(files, { device })
    expect(loaded.config.coveredIds).toEqual(vocabulary)
    const again = memoryDirectory()
    await saveCausalLM(loaded, again)
    expect(await bytesOf(again)).toEqual(await bytesOf(files))
    loaded.dispose()
  })

  it('is a whole model to those who pass the list over, and says the same of the ids in it', async () => {
    const files = await trimmedFiles(fields)
    const trimmed = await loadCausalLM(files, { device })
    await files.remove(draftVocabularyFile)
    const whole = await loadCausalLM(files, { device })
    const [some, all] = [await logitsOf(trimmed), await logitsOf(whole)]
    for (const [id, z] of some.entries())
      if (vocabulary.includes(id)) expect(all[id]).toBeCloseTo(z, 5)
      else expect(z).toBe(Number.NEGATIVE_INFINITY)
    if (!fields.tieWordEmbeddings)
      // The mean of the others is never the greatest: who drafts greedily without the list drafts the same.
      expect(vocabulary).toContain(all.indexOf(Math.max(...all)))
    for (const model of [trimmed, whole]) model.dispose()
  })
})

it('a trimmed draft is the same as GGUF with the rows alone of the ids that it says, in fewer bytes and bits', async () => {
  const target = await stories()
  const ids = [0, 1, 2, 3, 260, 300, 301, 402, 500, 511]
  const shape = { layers: 1, hiddenSize: 32, heads: 2, intermediateSize: 32, tieWordEmbeddings: false }
  const draft = createDraft(target, { ...shape, vocabulary: ids })
  const folder = memoryDirectory()
  await saveGguf(draft, folder, { file: 'whole.gguf' })
  await saveGguf(draft, folder, { file: 'covered.gguf', coveredHead: true })
  const loaded = await loadCausalLM(folder, { device, file: 'covered.gguf' })
  expect(loaded.config.coveredIds).toEqual(draft.config.coveredIds)
  expect(await logitsOf(loaded)).toEqual(await logitsOf(draft))
  const rows = 512 - draft.config.coveredIds!.length
  expect((await folder.size('whole.gguf')) - (await folder.size('covered.gguf'))).toBeGreaterThanOrEqual(rows * 32 * 4)
  await saveGguf(draft, folder, { file: 'fewer.gguf', coveredHead: true, dtype: 'Q5_1', tableDtype: 'Q5_1' })
  await saveGguf(draft, folder, { file: 'usual.gguf', coveredHead: true, dtype: 'Q5_1' })
  expect(await folder.size('fewer.gguf')).toBeLessThan(await folder.size('usual.gguf'))
  const fewer = await loadCausalLM(folder, { device, file: 'fewer.gguf' })
  const [some, read] = [await logitsOf(draft), await logitsOf(fewer)]
  for (const id of ids) expect(Math.abs(read[id]! - some[id]!)).toBeLessThan(0.2)
  // Others are given it whole again.
  await saveGguf(loaded, folder, { file: 'again.gguf' })
  const again = await openGguf(folder, 'again.gguf')
  expect(again.tensors.get('output.weight')!.shape).toEqual([512, 32])
  for (const each of [draft, loaded, fewer]) each.dispose()
})

it('a trimmed draft is the same as GGUF, and its directory loses its list where all of it is saved', async () => {
  const model = await stories()
  const folder = memoryDirectory()
  await saveCausalLM(model, folder)
  const ids = [0, 1, 2, 3, 260, 300, 301, 402, 500, 511]
  const trimmed = await loadCausalLM(folder, { device, vocabulary: ids })
  await saveGguf(trimmed, folder, { file: 'draft.gguf' })
  const loaded = await loadCausalLM(folder, { device, file: 'draft.gguf' })
  expect(loaded.config.coveredIds).toEqual(expect.arrayContaining(ids))
  const [some, read] = [await logitsOf(trimmed), await logitsOf(loaded)]
  for (const id of ids) expect(read[id]).toBeCloseTo(some[id]!, 5)
  expect(read.filter((z) => z > Number.NEGATIVE_INFINITY)).toHaveLength(loaded.config.coveredIds!.length)
  await saveCausalLM(trimmed, folder)
  expect(await folder.has(draftVocabularyFile)).toBe(true)
  await saveCausalLM(model, folder)
  expect(await folder.has(draftVocabularyFile)).toBe(false)
  for (const each of [trimmed, loaded]) each.dispose()
})

it('a list that is asked for is joined by the ends of text, and one of everything is none', async () => {
  const files = await trimmedFiles()
  const { config } = await openCausalLM(files, { vocabulary: [1, 2] })
  expect(config.coveredIds).toEqual([1, 2, 257])
  const all = await openCausalLM(files, { vocabulary: Array.from({ length: 258 }, (_, id) => id) })
  expect(all.config).not.toHaveProperty('coveredIds')
})

it('another list is another draft, and says so in a few letters', async () => {
  const files = await trimmedFiles()
  const identities = []
  for (const ids of [vocabulary, vocabulary.slice(1)]) {
    const model = await loadCausalLM(files, { device, vocabulary: ids })
    identities.push((await modelIdentity(model)).config.coveredIds)
    model.dispose()
  }
  expect(identities).toEqual([expect.stringMatching(/^12 ids, [0-9a-f]{32}$/), expect.stringMatching(/^11 ids, /)])
})

describe('a list that is no such list is refused', () => {
  const whole = { vocab_size: 258, ids: vocabulary }
  it.each<[string, unknown, RegExp]>([
    ['of another vocabulary', { ...whole, vocab_size: 259 }, /vocab_size is 259, and that of config.json is 258/],
    ['without its size', { ids: vocabulary }, /vocab_size is missing/],
    ['without ids', { ...whole, ids: [] }, /ids must be a list/],
    ['of an id twice', { ...whole, ids: [1, 1, 257] }, /ids\[1\] is 1 after 1/],
    ['out of order', { ...whole, ids: [5, 2, 257] }, /ids\[1\] is 2 after 5/],
    ['beyond the vocabulary', { ...whole, ids: [1, 258] }, /ids\[1\] is 258; a token id is a whole number below 258/],
    ['below 0', { ...whole, ids: [-1, 257] }, /ids\[0\] is -1/],
    ['of a fraction', { ...whole, ids: [0.5, 257] }, /ids\[0\] is 0.5/],
    ['of text', { ...whole, ids: ['1', 257] }, /ids\[0\] is "1"/],
    ['without an end of text', { ...whole, ids: [1, 2] }, /257, which ends a text, is not among the ids/],
  ])('%s', async (_, content, message) => {
    const files = await trimmedFiles()
    await files.write(draftVocabularyFile, JSON.stringify(content))
    const error = await openCausalLM(files).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(OutriderError)
    expect(error).toMatchObject({ code: 'FILE_FORMAT', message: expect.stringMatching(message) })
    expect((error as OutriderError).message).toContain(draftVocabularyFile)
    const { ids } = content as { ids?: number[] }
    await files.remove(draftVocabularyFile)
    if (ids && message.source.startsWith('ids'))
      await expect(openCausalLM(files, { vocabulary: ids })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})
