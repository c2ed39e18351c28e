import { describe, expect, it } from 'vitest'
import { parseChat } from './chat'
import type { ServedModel } from './generation-request'

const served = { name: 'm', target: { chatTemplate: {} } } as unknown as ServedModel

it('gives the template the names of who speaks, the parts of a message as one text, and developer as system', () => {
  const messages = [
    { role: 'developer', content: 'Be brief.', name: null },
    {
      role: 'user',
      name: 'Tomo',
      content: [
        { type: 'text', text: 'Who' },
        { type: 'text', text: ' is it?', cache_control: { type: 'ephemeral' } },
      ],
    },
    { role: 'assistant', content: 'Mira.', refusal: null, annotations: [], tool_calls: [], audio: null },
  ]
  expect(parseChat(JSON.stringify({ messages }), served)[0]!.prompt).toEqual([
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Who is it?', name: 'Tomo' },
    { role: 'assistant', content: 'Mira.' },
  ])
})

describe('a request with tools', () => {
  const tools = [{ type: 'function', function: { name: 'now' } }]
  const ask = (source: string, more: object) => {
    const chatTemplate = { source, others: {} }
    const served = { name: 'm', target: { chatTemplate } } as unknown as ServedModel
    return parseChat(JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], tools, ...more }), served)[0]!
  }

  it('is refused where the template knows none, unless none is to be called', () => {
    expect(() => ask('{{ messages }}', {})).toThrow(/knows no tools/)
    expect(ask('{{ messages }}', { tool_choice: 'none' })).not.toHaveProperty('tools')
  })

  it('may call them where calls have a form that is known; else they stay text, and none can be forced', () => {
    expect(ask('{{ tools }}<tool_call>', {})).toMatchObject({ tools, toolForm: { family: 'hermes' } })
    const other = ask('{{ tools }}<call>', { tool_choice: 'auto' })
    expect([other.tools, other.toolForm]).toEqual([tools, undefined])
    expect(() => ask('{{ tools }}<call>', { tool_choice: 'required' })).toThrow(/is not known here/)
  })

  it('has calls and what came of them in its messages, arguments as values', () => {
    const call = { id: 'c', type: 'function', function: { name: 'now', arguments: '{"zone": "CET"}' } }
    const messages = [
      { role: 'assistant', content: null, refusal: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c', content: 'noon' },
    ]
    expect(ask('{{ tools }}', { messages }).prompt).toEqual([
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ ...call, function: { name: 'now', arguments: { zone: 'CET' } } }],
      },
      { role: 'tool', content: 'noon', tool_call_id: 'c' },
    ])
  })
})
