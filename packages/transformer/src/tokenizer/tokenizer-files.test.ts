import { testData } from '@outrider/test-data'
import { expect, it } from 'vitest'
import { directory, memoryDirectory } from '../files/index'
import { loadTokenizer, saveTokenizer } from './tokenizer-files'

const template = "{% for m in messages %}{{ m.content.strip('*') }}{% endfor %}"
const messages = [{ role: 'user', content: '*a *' }]

/** A tokenizer with files of its own. */
async function folder(files: Record<string, string>) {
  const made = memoryDirectory()
  await made.write('tokenizer.json', await directory(testData('stories260K')).readText('tokenizer.json'))
  for (const [file, text] of Object.entries(files)) await made.write(file, text)
  return made
}

const saved = async (files: Record<string, string>) => {
  const { tokenizer, chatTemplate } = await loadTokenizer(await folder(files))
  const copy = memoryDirectory()
  await saveTokenizer(copy, tokenizer, chatTemplate)
  return copy
}

const configOf = async (files: Awaited<ReturnType<typeof saved>>) =>
  JSON.parse(await files.readText('tokenizer_config.json')) as Record<string, unknown>

it('a chat template is saved where transformers 5 looks and where transformers.js looks, wherever it came from', async () => {
  for (const files of [
    { 'chat_template.jinja': template },
    { 'tokenizer_config.json': JSON.stringify({ eos_token: '</s>', chat_template: template }) },
    { 'chat_template.jinja': template, 'tokenizer_config.json': JSON.stringify({ chat_template: 'older' }) },
  ]) {
    const copy = await saved(files)
    expect(await copy.readText('chat_template.jinja')).toBe(template)
    expect(await configOf(copy)).toMatchObject({ chat_template: template })
    const { chatTemplate } = await loadTokenizer(copy)
    expect(chatTemplate!.render(messages)).toBe('a ')
  }
})

it('what tokenizer_config.json says besides is saved, to the byte where nothing is added', async () => {
  const config = `{ "eos_token":"</s>",  "chat_template": ${JSON.stringify(template)} }`
  expect(await (await saved({ 'tokenizer_config.json': config })).readText('tokenizer_config.json')).toBe(config)
  const added = await saved({ 'tokenizer_config.json': '{"eos_token": "</s>"}', 'chat_template.jinja': template })
  expect(await configOf(added)).toEqual({ eos_token: '</s>', chat_template: template })
  expect(await (await saved({ 'tokenizer_config.json': '{"a": 1}' })).list()).not.toContain('chat_template.jinja')
})

it('templates for tools and documents are kept beside the one that is used', async () => {
  const copy = await saved({ 'chat_template.jinja': template, 'additional_chat_templates/tool_use.jinja': 'tools' })
  expect(await copy.list('additional_chat_templates')).toEqual(['tool_use.jinja'])
  const { chatTemplate } = await loadTokenizer(copy)
  expect(chatTemplate!.source).toBe(template)
})

it('a model whose template cannot be parsed is read, and fails where a conversation is written', async () => {
  const { tokenizer, chatTemplate } = await loadTokenizer(await folder({ 'chat_template.jinja': '{% with %' }))
  expect(tokenizer.encode('a').length).toBeGreaterThan(0)
  expect(() => chatTemplate!.render(messages)).toThrow(/chat_template\.jinja:1:9/)
})

it('a template with the line ends of Windows is as one with newlines', async () => {
  const lines = '{% for m in messages %}\n[{{ m.content }}]\n{% endfor %}\nend\n'
  for (const text of [lines, lines.replaceAll('\n', '\r\n'), lines.replaceAll('\n', '\r')]) {
    const { chatTemplate } = await loadTokenizer(await folder({ 'chat_template.jinja': text }))
    expect(chatTemplate!.render(messages)).toBe('[*a *]\nend')
  }
})
