import { expect, it } from 'vitest'
import type { Speaker } from './example'
import { tokenize } from './tokenize'

it('a document of a million tokens is cut like any other', async () => {
  const ids = Array.from({ length: 1_000_000 }, (_, i) => i % 100)
  const speaker = {
    tokenizer: { encode: () => ids },
    config: { vocabularySize: 100 },
    generationConfig: { eosTokenIds: [] },
  } as unknown as Speaker
  const source = {
    name: 'one document',
    async *[Symbol.asyncIterator]() {
      yield { kind: 'text', text: 'long' } as const
    },
  }
  const examples = await tokenize(source, speaker, 4)
  expect(examples).toHaveLength(250_000)
  expect(examples[1]!.tokens).toEqual([4, 5, 6, 7, 8])
  expect(examples.at(-1)!.tokens).toEqual([96, 97, 98, 99])
})
