import { readFileSync } from 'node:fs'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { formulaWeight, testData } from '@outrider/test-data'
import { describe, expect, it } from 'vitest'
import { floatsToStored, memoryDirectory, type TensorToWrite, writeSafetensors } from '../files/index'
import { byteTokenizer } from '../tokenizer/index'
import { loadCausalLM } from './load'
import { saveCausalLM } from './save'

interface RecordedCase {
  config: Record<string, unknown>
  /** Which of the lists of tensors. */
  tensors: number
  /** Tensors with the values of others. */
  copy?: Record<string, string>
  /** What transformers says where it loads nothing, or leaves weights random. */
  error?: string
  tied?: boolean
  ids?: [number | null, number | number[] | null, number | null]
  /** Of rows 5 and 23, every 17th. */
  logits?: [number[], number[]]
}

/** By record.py beside it. */
const { tokens, tensors, cases } = JSON.parse(readFileSync(testData('transformers/configs.json'), 'utf8')) as {
  tokens: number[]
  tensors: [name: string, shape: number[]][][]
  cases: Record<string, RecordedCase>
}

/** What is refused here, by name, though transformers computes something; or fails there, too. */
const refused: Record<string, RegExp> = {
  'factor without a type': /rope_scaling: rope_type is missing; it must be there where a factor is/,
  'partial_rotary_factor of a Llama': /partial_rotary_factor 0.5 is not supported/,
  dynamic: /rotary scaling of type "dynamic"/,
  "Mistral's window, use_sliding_window false": /use_sliding_window false beside sliding_window 8 is not supported/,
  'sliding by layer_types, no window used': /use_sliding_window is false; it must be true, as layer_types/,
  "Llama's layer_types": /layer_types with "sliding_attention" in an architecture whose layers all have no window/,
  "Phi-3's layer_types": /layer_types with "full_attention" in an architecture whose layers all have the window/,
  'Gemma 3 with the pattern under its private name':
    /_sliding_window_pattern is 2; it must be 6, as long as layer_types/,
  'Gemma 3 with capped scores': /attn_logit_softcapping 0.7 is not supported in Gemma3ForCausalLM/,
  'Gemma 3 with bidirectional attention': /use_bidirectional_attention true is not supported/,
  'not tied, no head': /lack tensor "lm_head.weight".*tie_word_embeddings/,
  'architectures of Mistral, model_type llama': /model_type "llama" beside the architecture MistralForCausalLM/,
}

async function written({ config, tensors: list, copy = {} }: RecordedCase) {
  const stored = tensors[list]!.map(([name, shape]): TensorToWrite => {
    const bytes = () => floatsToStored(formulaWeight(copy[name] ?? name, shape), 'F32')
    return { name, dtype: 'F32', shape, bytes }
  })
  const files = memoryDirectory({ 'config.json': JSON.stringify(config), ...byteTokenizer().toFiles() }, 'tiny')
  await writeSafetensors(files, 'model.safetensors', stored)
  return files
}

const read = async (recorded: RecordedCase) => {
  const device = await testDevice()
  const warnings: string[] = []
  const onWarning = ({ keys }: { keys: readonly string[] }) => warnings.push(...keys)
  return { ...(await loadCausalLM(await written(recorded), { device, onWarning })), warnings }
}

describe('a model as transformers 5.24 reads it', () => {
  it.each(Object.entries(cases).filter(([name]) => !(name in refused)))(
    'is computed as there: %s',
    async (_, recorded) => {
      expect(recorded.error).toBeUndefined()
      const { model, config, dispose } = await read(recorded)
      const ids = model.device.tensor(Uint32Array.from(tokens), { shape: [1, tokens.length] })
      const logits = model.forward(ids)
      const values = await logits.data()
      const some = [5, 23].flatMap((row) =>
        [...values.slice(row * 272, (row + 1) * 272)].filter((_, i) => i % 17 === 0),
      )
      const expected = recorded.logits!.flat()
      await expectAllClose(model.device.tensor(Float32Array.from(some)), expected, { absolute: 1e-4, relative: 1e-4 })
      expect(config.tieWordEmbeddings).toBe(recorded.tied)
      const [bos, eos, pad] = recorded.ids!.map((id) => [id ?? []].flat().filter((one) => one >= 0))
      expect([config.bosTokenId, config.eosTokenIds, config.padTokenId]).toEqual([bos![0], eos, pad![0]])
      for (const held of [ids, logits, { dispose }]) held.dispose()
    },
  )

  it.each(Object.entries(refused))('is refused by name where it is not computed: %s', async (name, message) => {
    const reading = read(cases[name]!)
    await expect(reading).rejects.toThrow(message)
    await expect(reading).rejects.toThrow(/^tiny/)
  })

  it('with a head of its own that config.json ties is told of, and saved as what it is', async () => {
    const { warnings, ...model } = await read(cases['tied, a head of its own']!)
    expect(warnings).toEqual(['tie_word_embeddings'])
    const files = memoryDirectory()
    await saveCausalLM(model, files)
    expect(JSON.parse(await files.readText('config.json'))).toMatchObject({ tie_word_embeddings: false })
    const again = await loadCausalLM(files, { device: await testDevice(), onWarning: () => expect.fail() })
    expect(await again.model.parameters['lm_head.weight']!.data()).toEqual(
      await model.model.parameters['lm_head.weight']!.data(),
    )
    again.dispose()
    model.dispose()
  })
})
