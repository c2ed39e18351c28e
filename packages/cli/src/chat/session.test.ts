import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import {
  type CausalLM,
  ChatTemplate,
  Decoder,
  generate,
  loadCausalLM,
  type PretrainedModel,
  pretrainedModel,
} from '@outrider/transformer'
import { expect, test } from 'vitest'
import { ChatSession } from './session'
import type { ChatSettings } from './settings'

const template = '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: '
const settings: ChatSettings = {
  ...{ temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0 },
  ...{ seed: 0, maxTokens: 4, draftLength: 3, verification: 'block', drafting: false, lookup: false },
}

test('a turn reads what is new of the conversation, and is the answer that it is alone; nothing is held at the end', async () => {
  const device = await testDevice()
  const whole = await loadCausalLM(testData('stories260K'), { device })
  const { config, parameters } = whole.model
  const model = new Decoder(device, { ...config, layers: 1 }, parameters)
  let rows = 0
  const counted: CausalLM = {
    ...{ device, config: model.config, parameterCount: model.parameterCount },
    createCache: (options) => model.createCache(options),
    forward(tokens, options) {
      rows += tokens.shape[1]!
      return model.forward(tokens, options)
    },
    dispose() {},
  }
  const target = { ...pretrainedModel(model, whole), model: counted, chatTemplate: new ChatTemplate(template) }
  const before = device.memory.liveBytes
  const session = new ChatSession({
    target: target as unknown as PretrainedModel<CausalLM>,
    settings: { ...settings },
    system: 'You tell of a fox, a goat and a kite, of Mira and of the forest. '.repeat(2),
  })
  const turn = async (question: string) => {
    session.conversation.ask(question)
    const { sent } = session.conversation
    rows = 0
    const { text, tokens } = await session.answer(() => {}, new AbortController().signal)
    const read = rows - (tokens - 1)
    const alone = await generate(target as unknown as PretrainedModel<CausalLM>, sent, { ...settings }).result
    expect(text).toBe(alone.text)
    return alone.promptTokens - read
  }
  const known = [await turn('Who is Mira?'), await turn('Tell me about a goat.')]
  expect(known[0]).toBe(0)
  expect(known[1]).toBeGreaterThan(63)
  expect(known[1]! % 64).toBe(0)
  session.dispose()
  expect(device.memory.liveBytes).toBe(before)
  whole.dispose()
})
