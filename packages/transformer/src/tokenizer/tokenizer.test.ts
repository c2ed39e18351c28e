import { readFileSync } from 'node:fs'
import { conformanceCases, testData } from '@outrider/test-data'
import { describe, expect, it } from 'vitest'
import { directory, memoryDirectory } from '../files/index'
import { byteTokenizer } from './byte-tokenizer'
import { Tokenizer } from './tokenizer'
import { loadTokenizer, saveTokenizer } from './tokenizer-files'
import { compareVocabularies } from './vocabulary'

const text = (name: string) => readFileSync(testData(name), 'utf8')
const stories = Tokenizer.fromJson(text('stories260K/tokenizer.json'), text('stories260K/tokenizer_config.json'))
const llama = Tokenizer.fromJson(
  text('vocabularies/phi-3/tokenizer.json'),
  text('vocabularies/phi-3/tokenizer_config.json'),
)
const reference = JSON.parse(text('stories260K/reference.json')) as {
  cases: { prompt: string; ids: number[]; greedy: number[]; text: string }[]
}

describe('Tokenizer', () => {
  it.each(reference.cases)(
    'encodes "$prompt" and decodes its answer as the reference does',
    ({ prompt, ids, greedy, text }) => {
      expect(stories.encode(prompt)).toEqual(ids)
      expect(stories.decode(greedy)).toBe(text)
      expect(stories.encode(prompt, { addSpecialTokens: false })).toEqual(ids.slice(1))
    },
  )

  it("gives llama.cpp's ids on its conformance texts", () => {
    for (const { text, ids } of conformanceCases('phi-3'))
      expect({ text, ids: llama.encode(text) }).toEqual({ text, ids })
  })

  it("gives llama.cpp's ids with SmolLM2's vocabulary, digits alone, and drops the bytes that it has no piece for", () => {
    const smollm2 = Tokenizer.fromJson(text('tokenizers/smollm2-cut.json'))
    const cases = JSON.parse(text('tokenizers/smollm2-cases.json')) as { text: string; ids: number[] }[]
    for (const { text, ids } of cases) expect({ text, ids: smollm2.encode(text) }).toEqual({ text, ids })
    expect(smollm2.encode('a\u0006b')).toEqual([...smollm2.encode('a'), ...smollm2.encode('b')])
  })

  // transformers 5.24.0 gives these ids.
  it.each([
    ['a named mark', { bos_token: '<x>' }, {}, [97, 259, 98]],
    ['a piece that has an id', { eos_token: 'b' }, {}, [97, 60, 120, 62, 98]],
    ['extra_special_tokens', { extra_special_tokens: ['<x>'] }, {}, [97, 259, 98]],
    ['additional_special_tokens', {}, { additional_special_tokens: ['<x>'] }, [97, 259, 98]],
    ['added_tokens_decoder', { added_tokens_decoder: { 300: { content: '<x>', special: false } } }, {}, [97, 259, 98]],
    ['a name of its own', { image_token: '<x>' }, {}, [97, 259, 98]],
    ['a name of its own, in the older file', {}, { image_token: { content: '<x>' } }, [97, 259, 98]],
    ['a number of that name', { image_token: 120 }, {}, [97, 60, 120, 62, 98]],
    ['model_specific_special_tokens', { model_specific_special_tokens: { image_token: '<x>' } }, {}, [97, 259, 98]],
    [
      'model_specific_special_tokens beside other names, which count alone',
      { model_specific_special_tokens: { image_token: '<x>' }, extra_special_tokens: { audio_token: '<y>' } },
      {},
      [97, 60, 120, 62, 98],
    ],
    ['a name before a list', { extra_special_tokens: ['<y>', '<x>'], audio_token: '<z>' }, {}, [97, 261, 98]],
    [
      'additional_special_tokens beside extra_special_tokens, which count alone',
      { extra_special_tokens: ['<y>'] },
      { additional_special_tokens: ['<x>'] },
      [97, 60, 120, 62, 98],
    ],
    ['two lists', { extra_special_tokens: ['<y>'] }, { extra_special_tokens: ['<x>'] }, [97, 260, 98]],
  ])('finds added tokens that only the files beside tokenizer.json list: %s', (_, config, specialTokensMap, ids) => {
    const json = byteTokenizer({ specialTokens: ['<s>', '</s>', '<p>'] }).toFiles()['tokenizer.json']!
    const tokenizer = Tokenizer.fromJson(json, config, '', { specialTokensMap })
    expect(tokenizer.encode('a<x>b', { addSpecialTokens: false })).toEqual(ids)
  })

  // Likewise: " <p> " is read with the flags of added_tokens_decoder, which come before those of tokenizer.json.
  it.each([
    ['as it is', {}, [97, 32, 258, 32, 98], 'a  b'],
    [
      'with other flags',
      { added_tokens_decoder: { 258: { content: '<p>', lstrip: true, special: false } } },
      [97, 258, 32, 98],
      'a b',
    ],
    [
      'a mark by its name',
      { image_token: { __type: 'AddedToken', content: '<p>', rstrip: true } },
      [97, 32, 258, 32, 98],
      'a  b',
    ],
  ])('reads an added token %s by the files beside tokenizer.json', (_, config, ids, text) => {
    const json = byteTokenizer({ specialTokens: ['<s>', '</s>', '<p>'] }).toFiles()['tokenizer.json']!
    const tokenizer = Tokenizer.fromJson(json, config)
    expect(tokenizer.encode('a <p> b', { addSpecialTokens: false })).toEqual(ids)
    expect(tokenizer.decode(ids)).toBe(text)
  })

  it('takes a token for a mark that has a name, and leaves one as it is that a list has', () => {
    const json = JSON.parse(byteTokenizer({ specialTokens: ['<s>', '</s>', '<p>'] }).toFiles()['tokenizer.json']!)
    json.added_tokens[2].special = false
    const decoded = (config: object) => Tokenizer.fromJson(json, config as Record<string, unknown>).decode([97, 258])
    expect([{}, { image_token: '<p>' }, { extra_special_tokens: ['<p>'] }].map(decoded)).toEqual(['a<p>', 'a', 'a<p>'])
  })

  it('gives chat templates the tokens that a model has a name of its own for', async () => {
    const files = byteTokenizer({ specialTokens: ['<s>', '</s>', '<p>'] }).toFiles()
    const config = { image_token: '<p>', chat_template: '{{ image_token }}{{ messages[0].content }}' }
    const { chatTemplate } = await loadTokenizer(
      memoryDirectory({ 'tokenizer.json': files['tokenizer.json']!, 'tokenizer_config.json': JSON.stringify(config) }),
    )
    expect(chatTemplate!.render([{ role: 'user', content: 'a' }])).toBe('<p>a')
  })

  it.each([
    ['tekken.json', '{}', /only tekken\.json, a tokenizer for Mistral/],
    ['tokenizer.model', '\n\x0e\n\x05<unk>', /only tokenizer\.model, a tokenizer for SentencePiece/],
    ['tokenizer.model', 'IQ== 0\nIg== 1\nIw== 2\n', /only tokenizer\.model, a tokenizer for tiktoken/],
    ['vocab.json', '{}', /only vocab\.json and merges\.txt/],
  ])('names the tokenizer of another library, and what to do: %s', async (file, content, message) => {
    await expect(loadTokenizer(memoryDirectory({ [file]: content }))).rejects.toMatchObject({
      code: 'FILE_MISSING',
      message: expect.stringMatching(message),
      remedy: expect.stringContaining('transformers'),
    })
  })

  it.each([
    ['a tekken.json', { config: { pattern: '' }, vocab: [], version: 3 }],
    ['a vocab.json', { a: 0, b: 1 }],
    ['a tokenizer_config.json', { tokenizer_class: 'LlamaTokenizer' }],
  ])('says what a tokenizer.json is that is none: %s', (what, json) => {
    expect(() => Tokenizer.fromJson(json)).toThrow(
      expect.objectContaining({ code: 'FILE_FORMAT', message: expect.stringContaining(`it is ${what}`) }),
    )
  })

  it('keeps U+FEFF that a text or a piece begins with, byte by byte and whole', () => {
    const llamaLike = llama.decode(llama.encode('\ufeffa\ufeff', { addSpecialTokens: false }))
    expect(llamaLike).toBe('\ufeffa\ufeff')
    expect(streamed(byteTokenizer(), [0xef, 0xbb, 0xbf, 97, 0xef, 0xbb, 0xbf]).join('')).toBe('\ufeffa\ufeff')
  })

  it('says what bytes a token stands for, its space and parts of characters included', () => {
    const ids = stories.encode('Lily said: "café 🦙"', { addSpecialTokens: false })
    const bytes = ids.flatMap((id) => [...stories.tokenBytes(id)])
    expect(new TextDecoder().decode(Uint8Array.from(bytes))).toBe(' Lily said: "café 🦙"')
    expect(new TextDecoder().decode(stories.tokenBytes(1))).toBe('<s>')
    expect(stories.tokenBytes(9999)).toHaveLength(0)
  })

  it('knows its pieces and special tokens', () => {
    expect(stories.vocabularySize).toBe(512)
    expect(stories.idToToken(1)).toBe('<s>')
    expect(stories.tokenToId('</s>')).toBe(2)
    expect(stories.specialTokens).toEqual(
      new Map([
        ['<unk>', 0],
        ['<s>', 1],
        ['</s>', 2],
      ]),
    )
    expect(llama.vocabularySize).toBe(3334)
    // tokenizer.json of Phi-3 calls </s> an ordinary added token; tokenizer_config.json does not name it either.
    expect(llama.specialTokens.get('<|endoftext|>')).toBe(3323)
  })

  it('leaves special tokens out of text, or shows them', () => {
    const ids = [1, ...stories.encode('Hello', { addSpecialTokens: false }), 2]
    expect(stories.decode(ids)).toBe('Hello')
    expect(stories.decode(ids, { skipSpecialTokens: false })).toBe('<s> Hello</s>')
    expect(stories.decode([])).toBe('')
    expect(stories.decode([1, 2, 511 + 9])).toBe('')
  })

  it('begins and ends a text as tokenizer.json says, whatever add_bos_token and add_eos_token beside it say', () => {
    const config = JSON.parse(text('stories260K/tokenizer_config.json')) as object
    const json = JSON.parse(text('stories260K/tokenizer.json')) as object
    const ids = (post: object, fields: object) =>
      Tokenizer.fromJson({ ...json, ...post }, { ...config, ...fields }).encode('Once upon a time')
    expect(ids({}, { add_bos_token: false, add_eos_token: true })).toEqual([1, 403, 407, 261, 378])
    expect(ids({ post_processor: null }, { add_bos_token: true })).toEqual([403, 407, 261, 378])
  })

  it('takes special tokens from special_tokens_map.json, for the template too, and saves it again', async () => {
    const files = memoryDirectory({
      'tokenizer.json': text('stories260K/tokenizer.json'),
      'tokenizer_config.json': '{ "bos_token": "<unk>" }',
      'special_tokens_map.json': '{ "bos_token": "<s>", "eos_token": { "content": "</s>", "lstrip": false } }',
      'chat_template.jinja': '{{ bos_token }}{{ messages[0].content }}{{ eos_token }}',
    })
    const { tokenizer, chatTemplate } = await loadTokenizer(files)
    expect(tokenizer.named).toEqual({ bos_token: '<s>', eos_token: '</s>' })
    expect(chatTemplate!.render([{ role: 'user', content: 'hi' }])).toBe('<s>hi</s>')
    const copy = memoryDirectory()
    await saveTokenizer(copy, tokenizer, chatTemplate)
    expect(await copy.readText('special_tokens_map.json')).toBe(await files.readText('special_tokens_map.json'))
    // With a list of added tokens in tokenizer_config.json, transformers does not read the older file.
    await files.write('tokenizer_config.json', '{ "bos_token": "<unk>", "added_tokens_decoder": {} }')
    expect((await loadTokenizer(files)).tokenizer.named).toEqual({ bos_token: '<unk>' })
  })

  it('refuses what is no tokenizer, naming the file', () => {
    expect(() => Tokenizer.fromJson('{"model":', '{}', 'm/')).toThrow(/m\/tokenizer.json is not valid JSON/)
    expect(() => Tokenizer.fromJson('[]')).toThrow(/tokenizer.json is not a JSON object/)
    expect(() => Tokenizer.fromJson('{"model":{"type":"Other"}}')).toThrow(
      expect.objectContaining({ code: 'FILE_FORMAT' }),
    )
  })

  it('is saved as the files it was loaded from', async () => {
    const source = directory(testData('stories260K'))
    const { tokenizer, chatTemplate } = await loadTokenizer(source)
    const copy = memoryDirectory()
    await saveTokenizer(copy, tokenizer, chatTemplate)
    expect(await copy.list()).toEqual(['tokenizer.json', 'tokenizer_config.json'])
    for (const file of await copy.list()) expect(await copy.readText(file)).toBe(await source.readText(file))
    await expect(loadTokenizer(memoryDirectory())).rejects.toMatchObject({ code: 'FILE_MISSING' })
  })
})

/** Ids streamed one by one, and the pieces of text that came. */
function streamed(tokenizer: Tokenizer, ids: number[], context?: number[]): string[] {
  const stream = tokenizer.stream(context ? { context } : {})
  return [...ids.map((id) => stream.push(id)), stream.end()]
}

const random = (seed: number) => () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return seed / 2 ** 32
}

/** Every byte is a piece, and so is a space with the first byte of an emoji. */
const byteLevel = (() => {
  const json = JSON.parse(byteTokenizer({ specialTokens: ['<end>'] }).toFiles()['tokenizer.json']!)
  json.post_processor = null
  json.model.vocab.Ġð = 257
  json.model.merges = [['Ġ', 'ð']]
  return Tokenizer.fromJson(json)
})()

describe('Tokenizer.stream', () => {
  const texts = [
    'plain words',
    'grüße, café',
    'a 🦙 and 👩‍👩‍👧 here',
    '日本語のテキスト',
    '  two  spaces ',
    'tab\tand\nnewline',
    '\uFFFD real ones \uFFFD\uFFFD',
  ]

  it.each([
    ['byte fallback', llama],
    ['byte fallback, small', stories],
    ['byte level', byteLevel],
  ])('joins to the whole text: %s', (_, tokenizer) => {
    for (const text of texts) {
      const ids = tokenizer.encode(text)
      const parts = streamed(tokenizer, ids)
      expect(parts.join('')).toBe(tokenizer.decode(ids))
      expect(tokenizer.decode(ids).trim()).toBe(text.trim())
    }
  })

  it.each([
    ['byte fallback', llama],
    ['byte level', byteLevel],
  ])('gives characters whole, as soon as they are: %s', (_, tokenizer) => {
    const ids = tokenizer.encode('x🦙')
    const parts = streamed(tokenizer, ids)
    expect(parts.filter(Boolean)).toEqual(['x', '🦙'])
    expect(parts.at(-2)).toBe('🦙')
    expect(parts.join('')).not.toContain('\uFFFD')
  })

  it.each([
    ['byte fallback', llama],
    ['byte level', byteLevel],
  ])('leaves out a character that is never finished: %s', (_, tokenizer) => {
    const ids = tokenizer.encode('ok 🦙').slice(0, -1)
    expect(streamed(tokenizer, ids).join('').trimEnd()).toBe('ok')
    expect(byteLevel.encode('ok 🦙')).toContain(257)
  })

  it.each([
    ['byte fallback', stories, 512],
    ['byte level', byteLevel, 258],
  ])('joins to the whole text for any ids at all: %s', (_, tokenizer, size) => {
    const next = random(7)
    for (let round = 0; round < 400; round++) {
      const bytesOnly = round % 2 === 0
      const low = tokenizer === stories && bytesOnly ? 3 : 0
      const ids = Array.from(
        { length: 1 + Math.floor(next() * 12) },
        () => low + Math.floor(next() * (bytesOnly ? 256 : size)),
      )
      const stream = tokenizer.stream()
      let text = ''
      for (const id of ids) {
        text += stream.push(id)
        // What has been given is a beginning of what the whole says, never a guess that is taken back.
        expect(tokenizer.decode(ids).startsWith(text)).toBe(true)
      }
      const whole = tokenizer.decode(ids)
      const joined = text + stream.end()
      expect([whole, whole.replace(/\uFFFD$/, '')]).toContain(joined)
    }
  })

  it('begins as a text does, or continues its context', () => {
    const context = stories.encode('Lily went to the park.')
    const ids = stories.encode('They', { addSpecialTokens: false })
    expect(streamed(stories, ids).join('')).toBe('They')
    expect(streamed(stories, ids, context).join('')).toBe(' They')
  })

  it('says nothing for special tokens and for ids without a piece', () => {
    expect(streamed(stories, [1, 2, 9999]).join('')).toBe('')
  })
})

describe('byteTokenizer', () => {
  const tokenizer = byteTokenizer({ specialTokens: ['<s>', '</s>', '<|user|>'] })

  it('writes any text as its UTF-8 bytes after the first mark, and reads it back', () => {
    const text = 'grüße 🦙\n\0  x'
    expect(tokenizer.encode(text)).toEqual([256, ...new TextEncoder().encode(text)])
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
    expect(tokenizer.vocabularySize).toBe(259)
    expect(tokenizer.named).toEqual({ bos_token: '<s>', eos_token: '</s>' })
  })

  it('knows its marks in a text', () => {
    expect(tokenizer.encode('<|user|>hi</s>', { addSpecialTokens: false })).toEqual([258, 104, 105, 257])
  })
})

describe('compareVocabularies', () => {
  const config = (vocabularySize: number) => ({ vocabularySize })

  it('accepts the same tokenizer under padded embeddings', () => {
    const again = Tokenizer.fromJson(text('stories260K/tokenizer.json'))
    const size = compareVocabularies(
      { tokenizer: stories, config: config(512) },
      { tokenizer: again, config: config(576) },
    )
    expect(size).toBe(512)
    expect(again.fingerprint).toBe(stories.fingerprint)
  })

  it('refuses another tokenizer with both sizes and the first difference', () => {
    const compare = () =>
      compareVocabularies({ tokenizer: llama, config: config(4096) }, { tokenizer: stories, config: config(512) })
    expect(compare).toThrow(/512 tokens against 3334 tokens \(padded to 4096\)/)
    expect(compare).toThrow(expect.objectContaining({ code: 'VOCABULARY_MISMATCH' }))
  })

  it('names the first piece that differs between vocabularies of one size', () => {
    const changed = Tokenizer.fromJson(text('stories260K/tokenizer.json').replace('"<0x01>": 4', '"<0xXX>": 4'))
    expect(() =>
      compareVocabularies({ tokenizer: stories, config: config(512) }, { tokenizer: changed, config: config(512) }),
    ).toThrow(/token 4, "<0xXX>" in the draft and "<0x01>" in the target/)
  })
})
