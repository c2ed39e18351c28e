import { testDevice } from '@outrider/tensor/testing'
import {
  Decoder,
  loadCausalLM,
  memoryDirectory,
  type PretrainedModel,
  parseConfig,
  pretrainedModel,
  Tokenizer,
} from '@outrider/transformer'
import { unzipSync } from 'fflate'
import { tokenizerFiles } from 'outrider/tiny-chat'
import { expect, it } from 'vitest'
import { draftFile } from './draft-files'

it('a draft comes as a folder, as weights and as GGUF, each of which loads with the weights of this moment', async () => {
  const device = await testDevice()
  const files = tokenizerFiles()
  const json = JSON.parse(files['tokenizer.json'])
  json.model.ignore_merges = false // llama.cpp has no such thing
  const tokenizer = Tokenizer.fromJson(JSON.stringify(json), files['tokenizer_config.json'])
  const config = parseConfig({
    architectures: ['LlamaForCausalLM'],
    vocab_size: tokenizer.vocabularySize,
    hidden_size: 16,
    intermediate_size: 32,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    max_position_embeddings: 32,
    eos_token_id: tokenizer.tokenToId('<|end|>'),
  })
  const draft = pretrainedModel(Decoder.initialize(device, config, { seed: 1 }), {
    tokenizer,
    generationConfig: { eosTokenIds: config.eosTokenIds },
    source: 'a draft',
  })
  const before = device.memory.liveBytes
  const norm = (model: PretrainedModel) => model.model.parameters['model.norm.weight']!
  const asked = (['directory', 'safetensors', 'gguf'] as const).map((format) => draftFile(draft, 'mine', format))
  // What training does next is not in the files.
  norm(draft).write(new Float32Array(16).fill(7))
  const [zip, weights, gguf] = await Promise.all(asked)
  expect([zip, weights, gguf].map((file) => file!.name)).toEqual(['mine.zip', 'mine.safetensors', 'mine.gguf'])
  expect(device.memory.liveBytes).toBe(before)

  const unpacked = unzipSync(zip!.bytes)
  expect(unpacked['mine/model.safetensors']).toEqual(weights!.bytes)
  const folder = Object.fromEntries(Object.entries(unpacked).map(([file, bytes]) => [file.slice(5), bytes]))
  for (const [files, file] of [
    [memoryDirectory(folder), undefined],
    [memoryDirectory({ 'mine.gguf': gguf!.bytes }), 'mine.gguf'],
  ] as const) {
    const loaded = await loadCausalLM(files, { device, file })
    expect(await norm(loaded).toArray()).toEqual(new Array(16).fill(1))
    loaded.dispose()
  }
  draft.dispose()
})
