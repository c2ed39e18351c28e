import { expect, it } from 'vitest'
import type { GgufMetadataValue } from '../../files/gguf/read'
import { memoryDirectory } from '../../files/index'
import { ggufTokenizer } from './from-gguf'

const tokenizer = (pieces: string[]) => {
  const metadata = new Map<string, GgufMetadataValue>([
    ['tokenizer.ggml.model', 'llama'],
    ['tokenizer.ggml.tokens', pieces],
    ['tokenizer.ggml.scores', pieces.map((_, i) => -i)],
  ])
  const file = { directory: memoryDirectory(), file: 'm.gguf', where: 'm.gguf', tensors: new Map(), metadata }
  return ggufTokenizer(file).tokenizer
}

it('refuses a piece longer than any, whose every cut would be tried', () => {
  expect(tokenizer(['a', 'aa', 'a'.repeat(1000)]).vocabularySize).toBe(3)
  expect(() => tokenizer(['a', 'a'.repeat(1001)])).toThrow(
    expect.objectContaining({
      code: 'TOKENIZER_LIMIT',
      message: expect.stringContaining('a piece of 1001 characters'),
    }),
  )
})
