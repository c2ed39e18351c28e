import { testData } from '@outrider/test-data'
import { expect, it } from 'vitest'
import { openGguf } from '../../files/gguf/read'
import { directory } from '../../files/index'
import { ggufTokenizer } from '../../tokenizer/gguf/from-gguf'

/**
 * Fields without which tokenizers 0.23.3 (transformers 5.24) refuses a step. With them, transformers gave the ids that this
 * project gives to 1,500 texts, for each of these vocabularies whole (falcon: but for white space that it has no piece for).
 */
const required: Readonly<Record<string, readonly string[]>> = {
  ByteLevel: ['add_prefix_space', 'trim_offsets'],
  Split: ['pattern', 'behavior', 'invert'],
  Prepend: ['prepend'],
  Replace: ['pattern', 'content'],
  Strip: ['content', 'start', 'stop'],
  TemplateProcessing: ['single', 'pair', 'special_tokens'],
  BPE: ['vocab', 'merges'],
  ByteFallback: [],
  Fuse: [],
}

const lists = ['normalizers', 'pretokenizers', 'processors', 'decoders']

/** Every step, of whatever is a sequence of some. */
function stepsIn(value: unknown): Record<string, unknown>[] {
  if (value === null || value === undefined) return []
  const step = value as Record<string, unknown>
  const list = lists.find((name) => Array.isArray(step[name]))
  return list === undefined ? [step] : (step[list] as unknown[]).flatMap(stepsIn)
}

it.each(['llama-spm', 'phi-3', 'gpt-2', 'falcon'])(
  'the tokenizer.json that is saved of a GGUF file says all that transformers asks of it: %s',
  async (name) => {
    const { tokenizer } = ggufTokenizer(await openGguf(directory(testData('vocabularies')), `${name}.gguf`))
    const json = JSON.parse(tokenizer.toFiles()['tokenizer.json']!) as Record<string, unknown>
    const parts = ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder', 'model']
    const steps = parts.flatMap((part) => stepsIn(json[part]))
    expect(steps.length).toBeGreaterThan(2)
    for (const step of steps) {
      expect(Object.keys(required)).toContain(step.type)
      expect(Object.keys(step)).toEqual(expect.arrayContaining([...required[step.type as string]!]))
    }
  },
)
