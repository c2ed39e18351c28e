import { readFileSync } from 'node:fs'
import { testData } from '@outrider/test-data'
import { describe, expect, it } from 'vitest'
import { Tokenizer } from '../tokenizer'
import { BytePairEncoding } from './byte-pair-encoding'
import { stepsOfLookup, type TokenModel, Work } from './token-model'
import { Unigram } from './unigram'
import { WordPiece } from './word-piece'

interface Recorded {
  model: Record<string, unknown> & { type: string }
  /** Without ids where the Rust library fails. */
  texts: { text: string; ids: number[] | null }[]
}

const read = (name: string) => readFileSync(testData(name), 'utf8')
const recorded = JSON.parse(read('tokenizer-models/models.json')) as Recorded[]
const phi3 = Tokenizer.fromJson(read('vocabularies/phi-3/tokenizer.json'))
function tokenizer(model: Record<string, unknown>, parts = {}): Tokenizer {
  const none = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null }
  return Tokenizer.fromJson({ version: '1.0', added_tokens: [], ...none, ...parts, model })
}

/** The steps that a model takes to encode words. */
function stepsOf(model: TokenModel, words: string[]): number {
  const work = new Work()
  for (const _ of model.encode(words, [], work));
  return work.steps
}

describe('an encoder', () => {
  it.each(recorded.map((one, at) => ({ at, type: one.model.type, ...one })))(
    "gives the Rust library's ids: model $at, $type",
    ({ model, texts }) => {
      const made = tokenizer(model)
      for (const { text, ids } of texts)
        if (ids) expect({ text, ids: made.encode(text) }).toEqual({ text, ids })
        else expect(() => made.encode(text)).toThrow(/not in the vocabulary/)
    },
  )

  it('gives a long text the ids of its words, where no merge goes from one into the next', () => {
    const words = ['the', 'then', 'other', 'athena', 'zzz', '中', 'é', '🙂', '12', '..', '\n']
    const text = Array.from({ length: 500 }, (_, i) => words[(i * i) % words.length]).join(' ')
    const apart = text.split(/(?= )/).flatMap((word) => phi3.encode(word.slice(word.startsWith(' ') ? 1 : 0)))
    expect(phi3.encode(text)).toEqual(apart)
  })

  it.each([
    ['one letter', 'a'],
    ['spaces', '▁'],
    ['line ends', '\n'],
    ['words', 'the▁other▁'],
    ['what the vocabulary lacks', '龘🙂'],
    ['marks', '<|'],
  ])('does work in proportion to a long undivided text: %s', (_, piece) => {
    const model = new BytePairEncoding(JSON.parse(read('vocabularies/phi-3/tokenizer.json')).model)
    const steps = (length: number) => stepsOf(model, [piece.repeat(length / piece.length)])
    const short = steps(10_000)
    // n log n: log(100,000) is 1.25 times log(10,000).
    expect(steps(100_000)).toBeLessThan(13 * short)
    expect(short).toBeLessThan(10_000 * 150)
  })

  it('does work in proportion to a long word of the unigram model', () => {
    const vocab = ['<unk>', 'a', 'aa', 'ab', 'aab', 'b'].map((piece, i) => [piece, -i] as const)
    const model = new Unigram({ unk_id: 0, vocab })
    const [short, long] = [10_000, 100_000].map((length) => stepsOf(model, ['aab'.repeat(length)]))
    expect(long).toBeLessThan(11 * short!)
  })

  it("does work in proportion to WordPiece's words, however long their pieces are", () => {
    const pieces = ['[UNK]', 'a', ...Array.from({ length: 50 }, (_, i) => `##${'a'.repeat(i + 1)}`)]
    const vocab = Object.fromEntries(pieces.map((piece, id) => [piece, id]))
    const model = new WordPiece({ vocab, unk_token: '[UNK]' })
    // A word is looked at once for the pieces that it has, and not once for each that it could have.
    expect(stepsOf(model, ['a'.repeat(99)])).toBeLessThan(stepsOfLookup * 150)
  })

  it('lets others have their turn in between, and gives the same ids', async () => {
    const text = 'the other a '.repeat(30_000)
    let done = false
    const encoding = phi3.encodeInSlices(text).finally(() => {
      done = true
    })
    let turns = 0
    for (; !done; turns++) await new Promise((resolve) => setTimeout(resolve))
    expect(turns).toBeGreaterThan(1)
    expect(await encoding).toEqual(phi3.encode(text))
  })

  it('encodes several texts at a time, a slice of each in turn', async () => {
    const texts = ['a'.repeat(20_000), `${'aab'.repeat(5000)}b`, ' '.repeat(15_000)]
    const together = await Promise.all(texts.map((text) => phi3.encodeInSlices(text)))
    expect(together).toEqual(texts.map((text) => phi3.encode(text)))
  })

  it.each([
    ['with dropout', { type: 'BPE', vocab: { a: 0 }, merges: [], dropout: 0.1 }, 'UNSUPPORTED', /dropout of 0.1/],
    ['that makes no piece', { type: 'BPE', vocab: { a: 0, b: 1 }, merges: ['a b'] }, 'FILE_FORMAT', /makes "ab"/],
    ['of three', { type: 'BPE', vocab: { a: 0 }, merges: ['a a a'] }, 'FILE_FORMAT', /"a a a" is not a pair/],
    ['without its id', { type: 'Unigram', vocab: [['a', 0]], unk_id: 3 }, 'FILE_FORMAT', /unk_id 3/],
    ['without its word', { type: 'WordPiece', vocab: { a: 0 }, unk_token: '?' }, 'FILE_FORMAT', /unk_token "\?"/],
  ])('is not made of a model %s', (_, model, code, message) => {
    expect(() => tokenizer(model)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }) as Error,
    )
  })

  it('leaves out merges of what no text holds', () => {
    const model = { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: ['x a', 'a b', 'ab x'] }
    expect(tokenizer(model).encode('aab')).toEqual([0, 2])
  })
})
