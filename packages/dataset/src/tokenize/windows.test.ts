import { Tokenizer } from '@outrider/transformer'
import { expect, it } from 'vitest'
import { texts } from '../sources/rows'
import { chatSpeaker } from '../tiny-model.fixture'
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

/** The byte tokenizer with another post-processor: what begins and ends a text is said there alone. */
function writing(single: readonly string[] | undefined): Speaker {
  const files = chatSpeaker.tokenizer.toFiles()
  const json = JSON.parse(files['tokenizer.json']!)
  const ids: Record<string, number> = { '<s>': 256, '</s>': 257 }
  json.post_processor = single
    ? {
        type: 'TemplateProcessing',
        single: single.map((id) =>
          id === 'A' ? { Sequence: { id, type_id: 0 } } : { SpecialToken: { id, type_id: 0 } },
        ),
        pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
        special_tokens: Object.fromEntries(
          Object.entries(ids).map(([id, number]) => [id, { id, ids: [number], tokens: [id] }]),
        ),
      }
    : null
  return { ...chatSpeaker, tokenizer: Tokenizer.fromJson(json, files['tokenizer_config.json']) }
}

const learnedOf = async (speaker: Speaker) => (await tokenize(texts(['ab', 'c']), speaker, 20))[0]!.tokens

it('a document begins as the tokenizer begins a text, whatever begin token config.json names', async () => {
  expect(chatSpeaker.config).toMatchObject({ bosTokenId: 256 })
  expect(await learnedOf(writing(['<s>', 'A']))).toEqual([256, 97, 98, 257, 256, 99, 257])
  expect(await learnedOf(writing(['A']))).toEqual([97, 98, 257, 99, 257])
  expect(await learnedOf(writing(undefined))).toEqual([97, 98, 257, 99, 257])
})

it('a document has one end token where the tokenizer writes its own', async () => {
  expect(await learnedOf(writing(['<s>', 'A', '</s>']))).toEqual([256, 97, 98, 257, 256, 99, 257])
})
