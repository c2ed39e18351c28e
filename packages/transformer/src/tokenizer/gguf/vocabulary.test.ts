import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RawValue } from '../../files/gguf/raw-gguf.fixture'
import { openGguf } from '../../files/gguf/read'
import { memoryDirectory } from '../../files/index'
import { llamaCppVocabularies } from '../../pretrained/gguf/llama-cpp.fixture'
import { ggufTokenizer } from './from-gguf'
import { kinds } from './kinds'
import { type SmallVocabulary, vocabularyGguf } from './small-vocabulary.fixture'

let root: string
let peer: Awaited<ReturnType<typeof llamaCppVocabularies>>
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'outrider-vocabulary-'))
  peer = await llamaCppVocabularies()
})
afterAll(async () => {
  await peer.dispose()
  await rm(root, { recursive: true, force: true })
})

async function ours(vocabulary: SmallVocabulary) {
  const files = memoryDirectory({ 'm.gguf': vocabularyGguf(vocabulary) })
  return ggufTokenizer(await openGguf(files, 'm.gguf'))
}

/** Begin token, ends and ids of texts, here and in llama.cpp. */
async function both(vocabulary: SmallVocabulary, texts: readonly string[] = []) {
  await writeFile(join(root, 'm.gguf'), vocabularyGguf(vocabulary))
  const theirs = await peer.open(join(root, 'm.gguf'))
  const { tokenizer, tokens } = await ours(vocabulary)
  const expected = { begin: theirs.begin, ends: theirs.ends(300), ids: texts.map((text) => theirs.tokenize(text)) }
  await theirs.dispose()
  const found = {
    begin: tokenizer.encode('')[0],
    ends: [...tokens.eosTokenIds].sort((a, b) => a - b),
    ids: texts.map((text) => tokenizer.encode(text, { addSpecialTokens: false })),
  }
  return { expected, found, tokenizer, tokens }
}

const marks = (...pieces: string[]) => pieces.map((piece) => [piece, kinds.control] as const)
const ids = (values: Record<string, number>): Record<string, RawValue> =>
  Object.fromEntries(Object.entries(values).map(([key, id]) => [`tokenizer.ggml.${key}_token_id`, ['u32', id]]))
const flag = (key: string, value: boolean): Record<string, RawValue> => ({ [`tokenizer.ggml.${key}`]: ['bool', value] })

const frame = marks('<unk>', '<s>', '</s>')
const bpe = { model: 'gpt2', marks: frame, merges: ['h e', 'Ġ 5'] } as const
const spm = {
  model: 'llama',
  marks: [['<unk>', kinds.unknown], ...marks('<s>', '</s>')],
  pieces: [
    ['▁', -4],
    ['a', -5],
    ['b', -6],
    ['▁a', -1],
    ['ab', -2],
    ['▁▁', -3],
    ['\ufeff', -7],
  ],
} as const satisfies SmallVocabulary

describe('the begin of a text is what llama.cpp puts there', () => {
  it.each<[string, SmallVocabulary]>([
    ['SentencePiece, by default', spm],
    ['SentencePiece, told not to', { ...spm, values: flag('add_bos_token', false) }],
    ['SentencePiece, another token', { ...spm, values: ids({ bos: 2 }) }],
    ['SentencePiece, a token that is none', { ...spm, values: ids({ bos: 9999 }) }],
    ['byte-level BPE, by default', { ...bpe, values: ids({ bos: 1 }) }],
    ['byte-level BPE, told to', { ...bpe, values: { ...ids({ bos: 1 }), ...flag('add_bos_token', true) } }],
    ['Llama 3', { ...bpe, values: { ...ids({ bos: 1 }), 'tokenizer.ggml.pre': ['string', 'llama-bpe'] } }],
    [
      'Llama 3, told not to',
      {
        ...bpe,
        values: { ...ids({ bos: 1 }), ...flag('add_bos_token', false), 'tokenizer.ggml.pre': ['string', 'llama3'] },
      },
    ],
    ['Tekken', { ...bpe, values: { ...ids({ bos: 1 }), 'tokenizer.ggml.pre': ['string', 'tekken'] } }],
    ['Qwen', { ...bpe, values: { ...ids({ bos: 1 }), 'tokenizer.ggml.pre': ['string', 'qwen2'] } }],
  ])('%s', async (_, vocabulary) => {
    const { expected, found } = await both(vocabulary)
    expect(found).toEqual(expected)
  })

  it('is refused where there shall be one and none is named', async () => {
    const values: Record<string, RawValue> = {
      'tokenizer.ggml.pre': ['string', 'glm4'],
      ...flag('add_bos_token', true),
    }
    await expect(ours({ ...bpe, values })).rejects.toThrow(/add_bos_token is true, and there is no bos_token_id/)
  })
})

// Every text that means something to llama.cpp's loader.
const endings = [
  ...['<|eot_id|>', '<|im_end|>', '<|end|>', '<end_of_turn>', '<|endoftext|>', '<|end_of_text|>', '<EOT>', '_<EOT>'],
  ...['[EOT]', '<｜end▁of▁sentence｜>', '<end_of_utterance>', '<|eom_id|>', '<|return|>', '<|call|>', '<|flush|>'],
  ...['<|calls|>', '</s>', '[EOS]', '<eos>', '<turn|>', '<|tool_response>', '[e~['],
  ...[
    '<|fim_pad|>',
    '<fim-pad>',
    '<fim_pad>',
    '<PAD>',
    '[PAD]',
    '<|fim_repo|>',
    '<|repo_name|>',
    '<fim-repo>',
    '<REPO>',
  ],
  ...['<reponame>', '<|file_sep|>'],
]
const noEndings = [
  ...['<|fim_prefix|>', '<fim-suffix>', '<MID>', '▁<PRE>', '<|prefix|>', '<|channel|>', '<|start|>', '<s>', '<|user|>'],
]

describe('an answer ends where llama.cpp ends it', () => {
  it('at a piece by its text, whatever the kind that the file gives it', async () => {
    for (const kind of [kinds.normal, kinds.control, kinds.userDefined])
      for (const text of [...endings, ...noEndings]) {
        const vocabulary = {
          ...bpe,
          marks: [...marks('<a>', '<b>', '<c>'), [text, kind] as const],
          values: ids({ eos: 2 }),
        }
        const { expected, found } = await both(vocabulary, [`he${text} 5`])
        expect([text, kind, found]).toEqual([text, kind, expected])
        expect([text, found.ends.includes(3)]).toEqual([text, endings.includes(text)])
      }
  })

  it.each<[string, SmallVocabulary]>([
    ['keys', { ...spm, values: ids({ eos: 2, eot: 260, eom: 261, fim_pad: 262, fim_rep: 263, fim_sep: 264 }) }],
    ['no end named, SentencePiece', spm],
    ['no end named, byte-level BPE', { ...bpe, marks: marks('<s>') }],
    ['an end that is none', { ...bpe, values: ids({ eos: 99_999 }) }],
    ['SmolLM2', { ...bpe, marks: marks('<|endoftext|>', '<|im_start|>', '<|im_end|>', '<repo_name>', '<reponame>') }],
    ['Phi-3, whose <|end|> stays', { ...bpe, marks: marks('<|end|>', '<|call|>') }],
    ['Gemma 4', { ...bpe, marks: marks('<|tool_response>', '</s>', '<eos>') }],
  ])('with %s', async (_, vocabulary) => {
    const { expected, found } = await both(vocabulary, ['he 5'])
    expect(found).toEqual(expected)
  })

  // By llama.cpp's source: node-llama-cpp adds the end of a turn to the ends again.
  it.each([
    ['gpt-oss', ['<|return|>', '<|call|>', '<|end|>', '<|start|>', '<|channel|>'], [1, 0]],
    ['Solar', ['<|end|>', '<|flush|>', '<|calls|>', '<|user|>'], [3, 1, 2]],
  ])('but not where one of several messages of an answer ends: %s', async (_, pieces, ends) => {
    const { tokens } = await ours({ ...bpe, marks: marks(...pieces), values: ids({ eos: ends[0]! }) })
    expect(tokens.eosTokenIds).toEqual(ends)
  })

  it('first at the end that the file names, then at the end of a turn', async () => {
    const named = marks('<|endoftext|>', '<|im_start|>', '<|im_end|>', '<file_sep>', '<reponame>')
    const { tokens } = await ours({ ...bpe, marks: named, values: ids({ eos: 2, padding: 0, bos: 1 }) })
    expect(tokens).toEqual({ bosTokenId: 1, eosTokenIds: [2, 0, 4], padTokenId: 0 })
  })

  it('leaves marks out of the text, and shows those of gpt-oss', async () => {
    const { tokenizer } = await ours({
      ...bpe,
      marks: [
        ['<|im_end|>', kinds.normal],
        ['<|channel|>', kinds.control],
        ['<|mine|>', kinds.userDefined],
      ],
    })
    const encoded = tokenizer.encode('he<|im_end|><|channel|><|mine|>')
    expect(encoded.slice(1)).toEqual([0, 1, 2])
    expect(tokenizer.decode(encoded)).toBe('he<|channel|><|mine|>')
  })
})

describe('the ids of a text are those of llama.cpp', () => {
  const texts = ['ab a  ab', '  ', '', ' a', '\ufeffa', 'é', 'a<s>ab </s> a', 'x<|user|> \n a']
  it.each<[string, SmallVocabulary]>([
    ['with a space before it', spm],
    ['without', { ...spm, values: flag('add_space_prefix', false) }],
    [
      'marks that take white space, of a model that calls itself Phi-3',
      {
        ...spm,
        marks: [...spm.marks, ...marks('<|user|>', '<|endoftext|>')],
        values: { 'general.name': ['string', 'My Phi-3 mini'] },
      },
    ],
    [
      'unused and user-defined pieces',
      {
        ...spm,
        marks: [['<unk>', kinds.unknown], ...marks('<s>', '</s>'), ['▁ab', kinds.unused], ['▁▁▁', kinds.userDefined]],
      },
    ],
  ])('%s', async (_, vocabulary) => {
    const { expected, found } = await both(vocabulary, texts)
    expect(found).toEqual(expected)
  })

  it('where a piece is empty, and a merge has no two parts or is there twice', async () => {
    const merges = ['h e', 'nothing', 'Ġ 5', 'h e']
    const file = { ...bpe, marks: [...frame, ['', kinds.normal] as const], values: {} }
    const { expected, found, tokenizer } = await both(
      { ...file, values: { 'tokenizer.ggml.merges': ['string[]', merges], ...ids({ bos: 1, eos: 2 }) } },
      ['hello he 5'],
    )
    expect(found).toEqual(expected)
    expect(tokenizer.idToToken(3)).toBe('[EMPTY_3]')
  })
})

describe('what a vocabulary has to say is read strictly', () => {
  it.each<[string, Record<string, RawValue>, RegExp]>([
    [
      'a flag that is a number',
      { 'tokenizer.ggml.add_bos_token': ['u32', 1] },
      /add_bos_token is 1, not true or false/,
    ],
    ['an id that is a text', { 'tokenizer.ggml.eos_token_id': ['string', '2'] }, /eos_token_id is "2"/],
    ['a name that is a number', { 'tokenizer.ggml.pre': ['u32', 1] }, /pre is 1, not a text/],
    ['a template that is a list', { 'tokenizer.chat_template': ['string[]', ['a']] }, /chat_template is not a text/],
    ['kinds of some pieces', { 'tokenizer.ggml.token_type': ['i32[]', [1]] }, /token_type is not as long/],
    ['a piece twice', { 'tokenizer.ggml.tokens': ['string[]', ['a', 'b', 'a']] }, /the piece "a" is there twice/],
    [
      'a merge that makes no piece',
      { 'tokenizer.ggml.merges': ['string[]', ['l l']] },
      /the merge "l l" makes no piece/,
    ],
    ['merges that are numbers', { 'tokenizer.ggml.merges': ['i32[]', [1]] }, /merges is not a list of strings/],
  ])('%s', async (_, values, message) => {
    await expect(ours({ ...bpe, values })).rejects.toMatchObject({
      code: 'FILE_FORMAT',
      message: expect.stringMatching(message),
    })
  })

  it.each([
    ['bert', /kind bert \(WordPiece\)/],
    ['t5', /kind t5 \(Unigram\)/],
    ['rwkv', /kind rwkv/],
    ['plamo2', /kind plamo2/],
    ['gemma4', /kind gemma4/],
    ['hybriddna', /kind hybriddna/],
    ['whitespace', /kind whitespace/],
    ['test', /kind test/],
    ['none', /has no tokenizer/],
    ['no_vocab', /has no tokenizer/],
    ['another', /kind another,/],
  ])('the kind %s is refused by name', async (model, message) => {
    await expect(ours({ ...bpe, values: { 'tokenizer.ggml.model': ['string', model] } })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(message),
    })
  })

  it('SentencePiece without scores is refused: its order of merges is no list', async () => {
    const pieces = spm.pieces.map(([piece]) => [piece, 0] as const)
    await expect(ours({ ...spm, pieces })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})
