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

  it('prefers files to tokenizer_config.json, and of several the one named default', () => {
    const listed = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template: 'plain' },
      { name: '../../outside', template: 'x' },
    ]
    const config = { chat_template: listed }
    const named = ChatTemplate.fromConfig(config)!
    expect(named.render(messages)).toBe('plain')
    // A name that leads out of its folder is written nowhere.
    expect(named.toFiles()).toEqual({
      'chat_template.jinja': 'plain',
      'additional_chat_templates/tool_use.jinja': 'tools',
    })
    const own = ChatTemplate.fromConfig(JSON.stringify(config), 'own')!
    expect(own.render(messages)).toBe('own')
    expect(own.toFiles()).toEqual({ 'chat_template.jinja': 'own' })
    const beside = ChatTemplate.fromConfig({ chat_template: 'old' }, 'own', { others: { rag: 'documents' } })!
    expect(beside.render(messages)).toBe('own')
    expect(beside.toFiles()).toMatchObject({ 'additional_chat_templates/rag.jinja': 'documents' })
    const files = { default: 'theirs', rag: 'documents' }
    expect(ChatTemplate.fromConfig({}, undefined, { others: files })!.render(messages)).toBe('theirs')
  })

  it('is none where a model has none, or several and none that is named default', () => {
    expect(ChatTemplate.fromConfig({})).toBeUndefined()
    expect(ChatTemplate.fromConfig({ chat_template: null })).toBeUndefined()
    const warnings: string[] = []
    const onWarning = ({ message }: { message: string }) => warnings.push(message)
    const several = { chat_template: [{ name: 'rag', template: 'x' }] }
    expect(ChatTemplate.fromConfig(several, undefined, { where: 'm/', onWarning })).toBeUndefined()
    expect(warnings).toEqual([
      'm/tokenizer_config.json (chat_template): chat templates of which none is named default, so that none is used: rag.',
    ])
    expect(ChatTemplate.fromConfig({ chat_template: 'x' }, undefined, { others: { rag: 'y' } })).toBeUndefined()
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
  })

  it('is parsed when a conversation is written, and says in which file, line and column it cannot be', () => {
    const options = { where: 'org/model/' }
    const inFile = ChatTemplate.fromConfig({}, 'a\r\n{% for m in messages %}\r\n  {% nosuch %}', options)!
    expect(() => inFile.render(messages)).toThrow(
      expect.objectContaining({
        code: 'FILE_FORMAT',
        message: expect.stringMatching(/ org\/model\/chat_template\.jinja:3:6: Encountered unknown tag 'nosuch'/),
      }),
    )
    const inConfig = ChatTemplate.fromConfig({ chat_template: '{{ 1 + }}' }, undefined, options)!
    expect(() => inConfig.render(messages)).toThrow(
      /tokenizer_config\.json \(chat_template\):1:8: expected an expression/,
    )
    expect(() => new ChatTemplate('{{ a b }}').render(messages)).toThrow(/line 1, column 6/)
  })

  it('tells whoever wrote the conversation where in the template it fails, and not where that lies', () => {
    const options = { where: '/home/somebody/m/' }
    const refusing = ChatTemplate.fromConfig({}, "a\n {{ raise_exception('no') }}", options)!
    expect(() => refusing.render(messages)).toThrow(/conversation: no\. It says so at chat_template\.jinja:2:20\./)
  })

  it('names what it uses and is not supported, and where', () => {
    const template = ChatTemplate.fromConfig({}, "a\n{{ 'x' | wordwrap(3) }}", { where: 'm/' })!
    expect(() => template.render(messages)).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(/^chat_template\.jinja:2:10: .* uses the filter wordwrap, /),
      }),
    )
  })

  it('is given what transformers gives it: tools and documents as none, no null fields, a thought by its names', () => {
    const tools = "{{ tools is none and documents is none }}{{ tools is defined and 'tools' }}"
    expect(new ChatTemplate(tools).render(messages)).toBe('Truetools')
    const fields = new ChatTemplate('{{ messages[0] | tojson }}')
    const message = { role: 'assistant', content: 'x', tool_calls: null, reasoning: 'hm' } as ChatMessage
    expect(JSON.parse(fields.render([message]))).toEqual({
      role: 'assistant',
      content: 'x',
      reasoning: 'hm',
      thinking: 'hm',
      reasoning_content: 'hm',
    })
  })
})
