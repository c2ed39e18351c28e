import { describe, expect, it } from 'vitest'
import { toolFormOf } from './tool-form'
import { type ToolDelta, ToolStream } from './tool-stream'

const form = (source: string) => toolFormOf({ source, others: {} })!
const hermes = form('{{ tools }}<tool_call>')
const llama = form('{{ tools }}<|python_tag|>')
const mistral = form('{{ tools }}[TOOL_CALLS]')

/** An answer as clients put it together, and the deltas that it came in. */
function read(of: typeof hermes, answer: string, size: number) {
  const stream = new ToolStream(of)
  const deltas: ToolDelta[] = []
  for (let at = 0; at < answer.length; at += size) deltas.push(...stream.push(answer.slice(at, at + size)))
  deltas.push(...stream.end())
  const calls: { name: string; arguments: string }[] = []
  let content = ''
  for (const delta of deltas)
    if ('content' in delta) content += delta.content
    else if ('name' in delta) calls[delta.index] = { name: delta.name, arguments: '' }
    else calls[delta.index]!.arguments += delta.arguments
  return { content, calls, deltas }
}

const weather = { name: 'weather', arguments: '{"city": "Zü\\"rich}", "days": [1, {"a": 2}]}' }
const time = { name: 'time', arguments: '{}' }

describe('a stream of calls', () => {
  // As the models' templates write them, and as Hermes 2 Pro, Qwen 2.5, SmolLM2, Llama 3.2 and Mistral 7B v0.3 answer.
  it.each([
    [
      'Qwen',
      hermes,
      `<tool_call>\n{"name": "weather", "arguments": ${weather.arguments}}\n</tool_call>`,
      '',
      [weather],
    ],
    [
      'Hermes, in parallel',
      hermes,
      `Let me see.\n<tool_call>\n{"arguments": ${weather.arguments}, "name": "weather"}\n</tool_call>\n<tool_call>\n{"name": "time", "arguments": {}}\n</tool_call>`,
      'Let me see.',
      [weather, time],
    ],
    [
      'SmolLM3, with text after',
      hermes,
      '<tool_call>{"name": "time"}</tool_call>\nDone < 5 <tool',
      'Done < 5 <tool',
      [time],
    ],
    [
      'SmolLM2, a list between tags',
      hermes,
      `<tool_call>[{"name": "time", "arguments": {}}, {"name": "weather", "arguments": ${weather.arguments}}]</tool_call>`,
      '',
      [time, weather],
    ],
    ['Llama', llama, `{"name": "weather", "parameters": ${weather.arguments}}`, '', [weather]],
    [
      'Llama, with its mark and its type',
      llama,
      `<|python_tag|>{"type": "function", "name": "time", "parameters": {}}; {"name": "weather", "parameters": ${weather.arguments} }`,
      '',
      [time, weather],
    ],
    [
      'Mistral',
      mistral,
      `[TOOL_CALLS] [{"name": "weather", "arguments": ${weather.arguments}}, {"name": "time", "arguments": {}}]`,
      '',
      [weather, time],
    ],
    [
      'arguments as a text',
      hermes,
      '<tool_call>{"name": "time", "arguments": "{\\"a\\": 1}"}</tool_call>',
      '',
      [{ name: 'time', arguments: '{"a": 1}' }],
    ],
  ] as const)('gives what %s says, in whatever pieces it comes', (_, of, answer, content, calls) => {
    for (const size of [1, 2, 3, 7, 1000]) expect(read(of, answer, size)).toMatchObject({ content, calls })
  })

  it('gives arguments as they come', () => {
    const { deltas } = read(hermes, '<tool_call>{"name": "f", "arguments": {"text": "abcdefghijkl"}}</tool_call>', 4)
    const pieces = deltas.filter((delta) => 'arguments' in delta)
    expect(pieces.length).toBeGreaterThan(4)
    expect(deltas[0]).toMatchObject({ index: 0, name: 'f', id: expect.stringMatching(/^call_\w{24}$/) })
  })

  it.each([
    ['a mark that nothing follows', hermes, 'a <tool_call> b'],
    ['an object without a name', hermes, '<tool_call>\n{"a": 1}\n</tool_call> x'],
    ['an empty call', hermes, 'x <tool_call></tool_call>'],
    ['a call that is cut off before its name', hermes, '<tool_call>\n{"na'],
    ['text of a Llama', llama, 'It is {"name": 1}.'],
    ['another object of a Llama', llama, '{"city": "Bern"} is it.'],
    ['white space', llama, ' \n '],
    ['a list that is none', mistral, '[TOOL_CALLS] I would'],
  ] as const)('gives %s as text', (_, of, answer) => {
    for (const size of [1, 3, 1000]) expect(read(of, answer, size)).toMatchObject({ content: answer, calls: [] })
  })

  it('gives what there is of a call that is cut off within its arguments', () => {
    const { calls, content } = read(hermes, '<tool_call>{"name": "f", "arguments": {"a": [1, 2', 5)
    expect({ calls, content }).toEqual({ calls: [{ name: 'f', arguments: '{"a": [1, 2' }], content: '' })
  })

  it('is of the form that a template shows, and of none where that is not known', () => {
    expect([hermes, llama, mistral].map(({ family }) => family)).toEqual(['hermes', 'llama', 'mistral'])
    expect(toolFormOf({ source: '', others: { tool_use: '<tool_call>' } })).toBe(hermes)
    for (const source of ['plain', '<tool_call><function=', '[TOOL_CALLS][ARGS]'])
      expect(toolFormOf({ source, others: {} })).toBeUndefined()
    expect(mistral.id()).toMatch(/^[A-Za-z0-9]{9}$/)
  })
})
