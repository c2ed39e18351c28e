import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { loadCausalLM, saveGguf } from '@outrider/transformer'
import { getLlama, type Llama, LlamaLogLevel, type LlamaModel } from 'node-llama-cpp'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { answerInLlamaCpp } from './llama-cpp-answer'

const folder = mkdtempSync(join(tmpdir(), 'outrider-peers-'))
let llama: Llama
let model: LlamaModel
let ids: number[]
beforeAll(async () => {
  const target = await loadCausalLM(testData('stories260K'), { device: await testDevice() })
  await saveGguf(target, folder, { file: 'target.gguf', dtype: 'F32', acceptDifferences: true })
  ids = target.tokenizer.encode('Once upon a time')
  target.dispose()
  llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: LlamaLogLevel.error })
  model = await llama.loadModel({ modelPath: join(folder, 'target.gguf') })
})
afterAll(async () => {
  await llama.dispose()
  rmSync(folder, { recursive: true })
})

it('passes and accepted tokens of a draft add up to the answer, which has the ids of plain decoding', async () => {
  const plain = await answerInLlamaCpp(model, { ids, maxTokens: 16 })
  expect(plain).toMatchObject({ passes: 0, drafted: 0 })
  expect(plain.ids.length).toBeGreaterThan(4)
  // The model as its own draft: some is accepted, though llama.cpp's predictor loses its way after a rejection.
  const drafted = await answerInLlamaCpp(model, { ids, maxTokens: 16, draft: model })
  expect(drafted.ids).toEqual(plain.ids)
  expect(drafted.accepted).toBeGreaterThan(0)
  expect(drafted.passes + drafted.accepted).toBe(drafted.tokens)
  expect(drafted.drafted).toBeLessThanOrEqual(drafted.passes)
  expect(drafted.reached).toBe(drafted.drafted)
})
