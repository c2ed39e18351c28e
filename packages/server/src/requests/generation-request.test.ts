import { expect, it } from 'vitest'
import { generationRequest, type ServedModel } from './generation-request'

it('encodes one long prompt at a time, and short ones beside it', async () => {
  const began: string[] = []
  const ends: (() => void)[] = []
  const tokenizer = {
    vocabularySize: 1,
    idToToken: () => 'x'.repeat(1000),
    async encodeInSlices(text: string) {
      began.push(text[0]!)
      if (text.length > 1000) await new Promise<void>((resolve) => ends.push(resolve))
      return [0]
    },
  }
  const config = { vocabularySize: 1, contextLength: 1000 }
  const target = { tokenizer, config, generationConfig: {}, source: 'm' }
  const served = { name: 'm', target, contextLength: 1000, hasDraft: false } as unknown as ServedModel
  const ask = (prompt: string) =>
    generationRequest(served, { prompt, promptParam: 'prompt', maxTokens: 1, logProbabilities: undefined } as never)

  const long = ['a', 'b'].map((letter) => ask(letter.repeat(500_000)))
  expect((await ask('short')).prompt).toEqual([0])
  expect(began).toHaveLength(2)
  expect(began).not.toContain('b')
  ends.shift()!()
  await long[0]
  await new Promise((resolve) => setTimeout(resolve))
  expect(began.at(-1)).toBe('b')
  ends.shift()!()
  expect((await long[1]!).prompt).toEqual([0])
})
