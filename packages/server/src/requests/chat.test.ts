import { expect, it } from 'vitest'
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
