import { describe, expect, it } from 'vitest'
import { type ChatMessage, ChatTemplate } from './chat-template'

const chatml =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
const messages: ChatMessage[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hi {{ there }}' },
]
const rendered = '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi {{ there }}<|im_end|>\n'

describe('ChatTemplate', () => {
  it('writes the conversation, with and without the opening of the answer', () => {
    const template = ChatTemplate.fromConfig({ chat_template: chatml })!
    expect(template.render(messages)).toBe(rendered)
    expect(template.render(messages, { addGenerationPrompt: true })).toBe(`${rendered}<|im_start|>assistant\n`)
  })

  it('gives the template the special tokens, written either way', () => {
    const config = {
      bos_token: '<s>',
      eos_token: { content: '</s>' },
      chat_template: '{{ bos_token }}{{ messages[0].content }}{{ eos_token }}',
    }
    expect(ChatTemplate.fromConfig(config)!.render([{ role: 'user', content: 'x' }])).toBe('<s>x</s>')
  })

  it('prefers the file of its own, then the template named default', () => {
    const config = {
      chat_template: [
        { name: 'tool_use', template: 'tools' },
        { name: 'default', template: 'plain' },
      ],
    }
    expect(ChatTemplate.fromConfig(config)!.render(messages)).toBe('plain')
    const own = ChatTemplate.fromConfig(JSON.stringify(config), 'own')!
    expect(own.render(messages)).toBe('own')
    expect(own.toFiles()).toEqual({ 'chat_template.jinja': 'own' })
    expect(ChatTemplate.fromConfig(config)!.toFiles()).toEqual({})
    expect(ChatTemplate.fromConfig({})).toBeUndefined()
  })

  it('trims the lines of blocks as transformers does', () => {
    const template = new ChatTemplate(
      '{% for m in messages %}\n  {% if true %}\n{{ m.content }}\n  {% endif %}\n{% endfor %}\n',
    )
    expect(template.render(messages)).toBe('Be brief.\nHi {{ there }}\n')
  })

  it('passes on what the template objects to', () => {
    const template = new ChatTemplate("{{ raise_exception('roles must alternate') }}")
    expect(() => template.render(messages)).toThrow(/refuses the conversation: roles must alternate/)
    expect(() => template.render([])).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    expect(() => template.render([{ role: 'user' } as ChatMessage])).toThrow(/Message 0 has no text/)
    expect(() => new ChatTemplate('{% if %}')).toThrow(expect.objectContaining({ code: 'FILE_FORMAT' }))
  })
})
