import { describe, expect, it } from 'vitest'
import { families } from './families/index'
import { parseConfig } from './parse-config'
import { sizes } from './sizes.fixture'

const read = (json: object) => parseConfig({ ...sizes, ...json }, 'm/config.json').architecture

describe('the architecture of a config.json', () => {
  it.each(families.map(({ modelType, className, baseClassName }) => [modelType, className, baseClassName]))(
    'is %s by its type, by its class, and by the class of the model without a head',
    (type, className, base) => {
      expect(read({ model_type: type })).toBe(type)
      expect(read({ model_type: type, architectures: null })).toBe(type)
      expect(read({ model_type: type, architectures: [] })).toBe(type)
      expect(read({ architectures: [className] })).toBe(type)
      expect(read({ architectures: [base], model_type: type })).toBe(type)
    },
  )

  it.each([
    [
      { architectures: ['MistralForSequenceClassification'], model_type: 'mistral' },
      /its head is not that of a lang.*MistralForCausalLM/,
    ],
    [
      { architectures: ['Gemma3ForConditionalGeneration'], model_type: 'gemma3', text_config: {}, vision_config: {} },
      /Gemma3ForConditionalGeneration is not supported.*Gemma3ForCausalLM/,
    ],
    [{ architectures: ['LlamaForTokenClassification'] }, /LlamaForTokenClassification is not supported: its head/],
    [{ architectures: ['MixtralForCausalLM'], model_type: 'mixtral' }, /MixtralForCausalLM is not supported/],
    [{ architectures: ['LlavaForConditionalGeneration'], model_type: 'llava' }, /LlavaForCond.* is not supported/],
    [{ architectures: ['LlamaForCausalLM'], model_type: 'gemma3' }, /gemma3 is not supported/],
    [
      { architectures: ['LlamaForCausalLM'], model_type: 'qwen2' },
      /model_type "qwen2" beside the architecture LlamaForCausalLM/,
    ],
    [{ architectures: ['LlamaForCausalLMEagle3'], model_type: 'llama' }, /LlamaForCausalLMEagle3 is not supported/],
  ])('is refused where it is another, or two that contradict each other: %o', (json, message) => {
    expect(() => read(json)).toThrow(message)
    expect(() => read(json)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
  })

  it('of the first Llamas is read', () => {
    expect(read({ architectures: ['LLaMAForCausalLM'], model_type: 'llama' })).toBe('llama')
  })

  it('is not printed as what it is not', () => {
    expect(() => read({ model_type: '\u001b[2Jx' })).toThrow(/the architecture "\\u001b\[2Jx" is not supported/)
    expect(() => read({ model_type: 'x'.repeat(1e5) })).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^.{1,1000}$/) }),
    )
  })

  it('must be a name', () => {
    expect(() => read({ architectures: [7] })).toThrow(expect.objectContaining({ code: 'FILE_FORMAT' }))
    expect(() => read({ model_type: 7 })).toThrow(expect.objectContaining({ code: 'FILE_FORMAT' }))
  })
})
