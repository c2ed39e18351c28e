import { testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import {
  floatsToStored,
  memoryDirectory,
  openSafetensors,
  readFloats,
  type TensorToWrite,
  writeSafetensors,
} from '../files/index'
import { stories } from '../stories.fixture'
import { loadCausalLM } from './load'
import { saveCausalLM } from './save'

const table = 'model.embed_tokens.weight'

/** The small stories model under other names, with fields of config.json changed and tensors added. */
async function storiesNamed(
  rename: (name: string) => string,
  { config = {}, extra = {} }: { config?: object; extra?: Record<string, number[]> } = {},
) {
  const files = memoryDirectory({}, 'tiny')
  await saveCausalLM(await stories(), files)
  const { tensors } = await openSafetensors(files)
  const renamed: TensorToWrite[] = []
  for (const entry of tensors.values()) {
    const values = await readFloats(files, entry)
    renamed.push({
      name: rename(entry.name),
      dtype: 'F32',
      shape: entry.shape,
      bytes: () => floatsToStored(values, 'F32'),
    })
  }
  for (const [name, shape] of Object.entries(extra)) {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1))
    renamed.push({ name, dtype: 'F32', shape, bytes: () => floatsToStored(values, 'F32') })
  }
  await writeSafetensors(files, 'model.safetensors', renamed)
  const json = JSON.parse(await files.readText('config.json')) as object
  await files.write('config.json', JSON.stringify({ ...json, ...config }))
  return loadCausalLM(files, { device: await testDevice() })
}

const isStories = async (loading: ReturnType<typeof storiesNamed>) => {
  const [original, model] = [await stories(), await loading]
  expect(Object.keys(model.model.parameters)).toEqual(Object.keys(original.model.parameters))
  for (const name of [table, 'model.layers.1.mlp.up_proj.weight', 'model.norm.weight'])
    expect(await model.model.parameters[name]!.data()).toEqual(await original.model.parameters[name]!.data())
  model.dispose()
}

describe('names of weights', () => {
  it.each([
    ['of the model without its head', (name: string) => name.slice('model.'.length)],
    ['of a compiled module', (name: string) => `_orig_mod.${name}`],
    ['of a compiled module inside', (name: string) => name.replace('model.', 'model._orig_mod.')],
    ['of a module spread over devices', (name: string) => `module.${name}`],
    ['of a hull of both', (name: string) => `module._orig_mod.${name}`],
    ['of a model inside itself', (name: string) => `model.${name}`],
  ])('%s are those of the parameters', async (_, rename) => {
    await isStories(storiesNamed(rename))
  })

  it('that two tensors come to are refused, with both', async () => {
    const twice = storiesNamed((name) => name, { extra: { 'norm.weight': [64] } })
    await expect(twice).rejects.toThrow(
      /tensors "(model\.)?norm.weight" and "(model\.)?norm.weight" are the same parameter/,
    )
  })

  it('of part of another model are refused by what they begin with', async () => {
    for (const prefix of ['language_model.', 'model.language_model.', 'base_model.model.'])
      await expect(storiesNamed((name) => `${prefix}${name}`)).rejects.toThrow(
        `tensors are named "${prefix}…", as part of another model`,
      )
  })
})

describe('tensors beside the parameters', () => {
  it('that change no logits are passed over: buffers and heads for other tasks', async () => {
    const extra = {
      'model.rotary_emb.inv_freq': [4],
      'model.layers.0.self_attn.rotary_emb.cos_cached': [1, 1, 8, 8],
      'model.layers.0.self_attn.masked_bias': [1],
      'score.weight': [2, 64],
      'v_head.summary.bias': [1],
    }
    await isStories(storiesNamed((name) => name, { extra }))
  })

  it.each([
    ['model.layers.0.self_attn.q_proj.bias', /have tensor ".*q_proj.bias".*attention_bias/],
    ['model.layers.0.self_attn.q_norm.weight', /have tensor ".*q_norm.weight"/],
    ['model.layers.0.pre_feedforward_layernorm.weight', /have tensor ".*pre_feedforward_layernorm.weight"/],
    ['lm_head.bias', /have tensor "lm_head.bias"/],
    ['model.layers.5.eh_proj.weight', /have tensor "model.layers.5.eh_proj.weight"/],
  ])('that would change logits are refused by name: %s', async (name, message) => {
    await expect(storiesNamed((name) => name, { extra: { [name]: [4] } })).rejects.toThrow(message)
  })

  it('of another vocabulary than config.json says are told with the number that would fit', async () => {
    const other = storiesNamed((name) => name, { config: { vocab_size: 500 } })
    await expect(other).rejects.toThrow(
      /"model.embed_tokens.weight" is \[512, 64\].*vocab_size of config.json would have to be 512/,
    )
  })
})
