import { testDevice } from '@outrider/tensor/testing'
import { loadCausalLM, memoryDirectory, readJson, saveCausalLM } from '@outrider/transformer'
import { expect, it } from 'vitest'
import type { AlignEvent } from './stages/run'
import { tinyTarget } from './tiny-run.fixture'
import { writeGguf } from './write-gguf'

it('a tokenizer that llama.cpp cannot follow in every text makes no file, which is told, and an older one goes', async () => {
  const device = await testDevice()
  const target = tinyTarget(device)
  const files = memoryDirectory()
  await saveCausalLM(target, files)
  const tokenizer = (await readJson(files, 'tokenizer.json')) as object
  await files.write('tokenizer.json', JSON.stringify({ ...tokenizer, normalizer: { type: 'NFC' } }))
  const normalizes = await loadCausalLM(files, { device })
  const out = memoryDirectory({ 'draft.gguf': 'of an earlier draft' })
  const told: AlignEvent[] = []
  expect(await writeGguf({ target, out, tell: (event) => told.push(event) }, normalizes)).toBeUndefined()
  expect(told).toEqual([
    { kind: 'warning', text: expect.stringMatching(/^draft\.gguf is not written\. The tokenizer/) },
  ])
  expect(await out.list()).toEqual([])

  expect(await writeGguf({ target, out, tell: () => undefined }, target)).toBe('draft.gguf')
  expect(await out.list()).toEqual(['draft.gguf'])
  for (const model of [target, normalizes]) model.dispose()
})

it('a draft that llama.cpp does not take beside its target is told of', async () => {
  const target = tinyTarget(await testDevice())
  const files = memoryDirectory()
  await saveCausalLM(target, files)
  const config = (await readJson(files, 'generation_config.json')) as object
  await files.write('generation_config.json', JSON.stringify({ ...config, eos_token_id: 7 }))
  await files.write('tokenizer_config.json', '{}')
  const ends = await loadCausalLM(files, { device: target.model.device })
  const warnings: string[] = []
  const tell = (event: AlignEvent) => event.kind === 'warning' && warnings.push(event.text)
  expect(await writeGguf({ target, out: memoryDirectory(), tell }, ends)).toBe('draft.gguf')
  expect(warnings).toEqual([
    expect.stringMatching(/llama\.cpp does not take draft\.gguf as a draft: its token that ends/),
  ])
  for (const model of [target, ends]) model.dispose()
})
