import { describe, expect, it } from 'vitest'
import { checkFields, type FieldLists } from './check-fields'
import { chatFields, completionFields, messageFields, partFields, streamOptionFields } from './known-fields'
import { recordedFields, recordedInside } from './recorded-fields.fixture'

const allLists = { chatFields, completionFields, messageFields, partFields, streamOptionFields }
const words = (text: string) => text.trim().split(/\s+/)
const listed = ({ used, harmless, refused }: FieldLists) => [...used, ...harmless, ...Object.keys(refused)]

describe('the lists of fields', () => {
  it.each(Object.entries(recordedFields))('have every field that %s knows', (_, { chat, completions }) => {
    const missing = (fields: string, lists: FieldLists) => words(fields).filter((one) => !listed(lists).includes(one))
    expect(missing(chat, chatFields)).toEqual([])
    expect(missing(completions, completionFields)).toEqual([])
  })

  it('have every field within messages, their parts and the options of a stream', () => {
    expect(listed(messageFields)).toEqual(expect.arrayContaining(words(recordedInside.message)))
    expect(listed(partFields)).toEqual(expect.arrayContaining(words(recordedInside.part)))
    expect(listed(streamOptionFields)).toEqual(expect.arrayContaining(words(recordedInside.streamOptions)))
  })

  it.each(Object.entries(allLists))('have each field once: %s', (_, lists) => {
    const names = listed(lists)
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
  })
})

describe('a request', () => {
  const asked = (body: object, lists = chatFields) => {
    try {
      checkFields(body, lists)
    } catch (error) {
      return JSON.parse(JSON.stringify(error)).error as { code: string; param: string; message: string }
    }
    return undefined
  }

  it.each([
    { chat_template_kwargs: { enable_thinking: false } },
    { guided_json: {} },
    { structured_outputs: { json: {} } },
    { grammar: 'root ::= "a"' },
    { reasoning_effort: 'none' },
    { modalities: ['text', 'audio'] },
    { skip_special_tokens: false },
    { top_n_sigma: 1 },
    { n_predict: 5 },
    { repeat_penalty: 1.1 },
    { repeat_last_n: 64 },
    { n_cmpl: 2 },
  ])('for what would change the answer is refused by name: %o', (body) => {
    const [param] = Object.keys(body)
    expect(asked(body)).toMatchObject({ code: 'unsupported_parameter', param })
  })

  it.each([
    { response_format: { type: 'json_object' } },
    { response_format: { type: 'text', schema: {} } },
    { tool_choice: 'required' },
  ])('for a form of answers that completions do not have is refused by name: %o', (body) => {
    const [param] = Object.keys(body)
    expect(asked(body, completionFields)).toMatchObject({ code: 'unsupported_parameter', param })
  })

  it.each([
    { chat_template_kwargs: {}, tools: [], documents: [], stop_token_ids: [], lora: [], logit_bias: {} },
    { n: 1, best_of: 1, min_p: 0, repetition_penalty: 1, frequency_penalty: 0.0, typical_p: 1, mirostat: 0 },
    { guided_json: null, reasoning_effort: null, foo: null },
    { add_generation_prompt: true, continue_final_message: false, echo: false, add_special_tokens: false },
    { response_format: { type: 'text' }, modalities: ['text'], tool_choice: 'none', verbosity: 'medium' },
    { user: 'u', metadata: { a: 'b' }, store: true, service_tier: 'flex', prediction: { content: 'x' } },
    { top_n_sigma: -1, adaptive_target: -1, t_max_predict_ms: 0, n_predict: -1, dry_base: 1.75, cache_prompt: false },
  ])('for nothing is taken: %o', (body) => {
    expect(asked(body)).toBeUndefined()
  })

  it('with a field that nobody knows is refused, and told what was meant where that is near', () => {
    expect(asked({ temprature: 1 })).toMatchObject({
      code: 'unknown_parameter',
      param: 'temprature',
      message: 'temprature is no field that this server knows. Did you mean temperature?',
    })
    expect(asked({ max_new_tokens: 1 })!.message).toMatch(/Use max_tokens\.$/)
    expect(asked({ foo: 1 })!.message).toBe('foo is no field that this server knows.')
    expect(asked({ constructor: 1, ['__proto__']: 2 })).toMatchObject({ code: 'unknown_parameter' })
    expect(asked({ ['x'.repeat(5000)]: 1 })!.message.length).toBeLessThan(200)
  })

  it('is told where a field belongs that another kind of request has', () => {
    expect(asked({ messages: [] }, completionFields)!.message).toMatch(/Use \/v1\/chat\/completions\.$/)
    expect(asked({ prompt: 'a' })!.message).toMatch(/Use \/v1\/completions\.$/)
    expect(asked({ add_special_tokens: true }, completionFields)).toBeUndefined()
    expect(asked({ add_special_tokens: true })).toMatchObject({ param: 'add_special_tokens' })
  })
})
