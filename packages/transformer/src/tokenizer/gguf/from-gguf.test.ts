import { expect, it } from 'vitest'
import type { GgufMetadataValue } from '../../files/gguf/read'
import { memoryDirectory } from '../../files/index'
import { ggufTokenizer } from './from-gguf'

const opened = (pieces: string[], more: [string, GgufMetadataValue][] = []) => {
  const metadata = new Map<string, GgufMetadataValue>([
    ['tokenizer.ggml.model', 'llama'],
    ['tokenizer.ggml.tokens', pieces],
    ['tokenizer.ggml.scores', pieces.map((_, i) => -i)],
    ...more,
  ])
  const file = { directory: memoryDirectory(), file: 'm.gguf', where: 'm.gguf', tensors: new Map(), metadata }
  return ggufTokenizer(file)
}

const tokenizer = (pieces: string[]) => opened(pieces).tokenizer

it('refuses a piece longer than any, whose every cut would be tried', () => {
  expect(tokenizer(['a', 'aa', 'a'.repeat(1000)]).vocabularySize).toBe(3)
  expect(() => tokenizer(['a', 'a'.repeat(1001)])).toThrow(
    expect.objectContaining({
      code: 'TOKENIZER_LIMIT',
      message: expect.stringContaining('a piece of 1001 characters'),
    }),
  )
})

it('names the file and the key of a chat template that cannot be parsed, and keeps the templates beside it', () => {
  const { chatTemplate } = opened(
    ['a', 'b'],
    [
      ['tokenizer.chat_template', '{% if %}'],
      ['tokenizer.chat_template.tool_use', 'tools'],
    ],
  )
  expect(chatTemplate!.others).toEqual({ tool_use: 'tools' })
  expect(() => chatTemplate!.render([{ role: 'user', content: 'x' }])).toThrow(
    /m\.gguf \(tokenizer\.chat_template\):1:7: expected an expression/,
  )
})
