import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { anyText, testData } from '@outrider/test-data'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openGguf } from '../../files/gguf/read'
import { directory } from '../../files/index'
import { ggufTokenizer } from '../../tokenizer/gguf/from-gguf'
import {
  cutBy,
  metaspace,
  type SmallJson,
  smallByteLevel,
  smallSentencePiece,
  smallTokenizer,
} from '../../tokenizer/gguf/small-tokenizers.fixture'
import { Tokenizer } from '../../tokenizer/index'
import { llama3, qwen2 } from '../../tokenizer/known-expressions'
import { type LlamaCpp, llamaCpp } from './llama-cpp.fixture'
import { logProbabilities } from './log-probabilities.fixture'
import { saveGguf } from './save-gguf'
import { tokenizedModel } from './tokenized-model.fixture'

// The same with 1,500 texts, files of your own, and gguf-py: npm run bench -- peer-gguf
const texts = Number(process.env.OUTRIDER_TEXTS ?? 80)

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'outrider-written-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const small = (json: SmallJson, change: (json: SmallJson) => unknown = () => {}) => {
  change(json)
  return smallTokenizer(json)
}

const vocabulary = async (name: string) =>
  ggufTokenizer(await openGguf(directory(testData('vocabularies')), `${name}.gguf`)).tokenizer

const folder = async (path: string, config?: object) =>
  Tokenizer.fromJson(
    await readFile(testData(`${path}/tokenizer.json`), 'utf8'),
    config ? JSON.stringify(config) : await readFile(testData(`${path}/tokenizer_config.json`), 'utf8'),
  )

const tokenizers: [string, () => Promise<Tokenizer> | Tokenizer][] = [
  ['stories260K', () => folder('stories260K')],
  ["Phi-3's tokenizer.json", () => folder('vocabularies/phi-3', { bos_token: '<s>', eos_token: '<|endoftext|>' })],
  ["llama.cpp's Llama 2", () => vocabulary('llama-spm')],
  ["llama.cpp's Phi-3", () => vocabulary('phi-3')],
  ["llama.cpp's GPT-2", () => vocabulary('gpt-2')],
  ["llama.cpp's Falcon", () => vocabulary('falcon')],
  [
    'Metaspace, never',
    () =>
      small(smallSentencePiece(), (json) =>
        Object.assign(json, { normalizer: null, pre_tokenizer: metaspace('never') }),
      ),
  ],
  ['Prepend and Replace', () => small(smallSentencePiece())],
  [
    "Gemma's Replace, and a Split at the spaces that it leaves none of",
    () =>
      small(smallSentencePiece(), (json) =>
        Object.assign(json, {
          normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
          pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false },
        }),
      ),
  ],
  [
    'one merge for each piece, of several ways to make it',
    () =>
      small(smallSentencePiece(), ({ model }) => {
        model.merges.push(['t', 'he'], ['h', 'i'], ['the', 'hi'], ['a', 'a'], ['aa', 'a'], ['aa', 'aaa'])
        for (const sides of model.merges) model.vocab[sides.join('')] ??= Object.keys(model.vocab).length
      }),
  ],
  [
    'merges of a piece that are apart',
    () =>
      small(smallSentencePiece(), ({ model }) => {
        model.merges.push(['▁t', 'h'], ['in', 'g'], ['▁th', 'e'])
        for (const sides of model.merges) model.vocab[sides.join('')] ??= Object.keys(model.vocab).length
      }),
  ],
  ["GPT-2's cuts", () => small(smallByteLevel())],
  ["Llama 3's cuts", () => small(smallByteLevel(), (json) => Object.assign(json, { pre_tokenizer: cutBy(llama3) }))],
  [
    "Llama 3's cuts, whole words first",
    () =>
      small(smallByteLevel(), (json) => {
        json.pre_tokenizer = cutBy(llama3)
        json.model.ignore_merges = true
        for (const word of ['Ġeverything', 'abc', '123']) json.model.vocab[word] = Object.keys(json.model.vocab).length
      }),
  ],
  ["Qwen2's cuts", () => small(smallByteLevel(), (json) => Object.assign(json, { pre_tokenizer: cutBy(qwen2) }))],
  [
    "SmolLM2's cuts",
    () =>
      small(smallByteLevel(), (json) =>
        Object.assign(json, {
          pre_tokenizer: cutBy(
            '\\p{N}',
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
          ),
        }),
      ),
  ],
  [
    'no merges',
    () =>
      small(smallByteLevel(), (json) => {
        json.pre_tokenizer = cutBy('x+')
        json.model.merges = []
      }),
  ],
]

async function withPeer(
  tokenizer: Tokenizer,
  options: { ends?: string[]; padding?: number; acceptDifferences?: boolean },
  use: (peer: LlamaCpp) => Promise<void> | void,
): Promise<readonly string[]> {
  const model = await tokenizedModel(tokenizer, options)
  const { differences } = await saveGguf(model, root, { file: 'm.gguf', ...options })
  const peer = await llamaCpp(join(root, 'm.gguf'))
  try {
    await use(peer)
    const ids = [5, 20, 7, 100]
    const theirs = await peer.logProbabilities(ids)
    for (const [i, row] of (await logProbabilities(model.model, ids)).entries())
      for (const [id, value] of row.entries()) expect(Math.abs(value - theirs[i]![id]!)).toBeLessThan(2e-3)
  } finally {
    await peer.dispose()
    model.dispose()
  }
  return differences
}

/** What the small vocabularies have merges for. */
const words = [' the', 'the', ' hi', 'hithe', 'hin', 'thin', 'thing', 'aaaaaaa', '1234', "he's", '\n\n']

const idsHere = (tokenizer: Tokenizer, text: string) => tokenizer.encode(text, { addSpecialTokens: false })

/**
 * Whether all bytes of a character have tokens, as in whole vocabularies; those of the test data are cut. What lies on both
 * sides of a byte that has none, which both leave out, is joined here, as in the Rust library, and not by llama.cpp.
 */
const hasTokens = (tokenizer: Tokenizer, character: string) => {
  const ids = idsHere(tokenizer, character)
  return ids.length > 0 && (character.trim() === '' || tokenizer.decode(ids) === character)
}

describe('llama.cpp makes the same of any text and the same logits of a file with', () => {
  it.each(tokenizers)('%s', async (_, make) => {
    const tokenizer = await make()
    const among = [...tokenizer.specialTokens.keys()]
    await withPeer(tokenizer, { acceptDifferences: true, padding: 3 }, (peer) => {
      for (let seed = 0; seed < texts; seed++) {
        // White space beyond ASCII after one of Phi-3's marks is the one thing that differs.
        const any = anyText(seed, { among: [...among, ...words] }).replace(/(?<=>)[^\S \t\n\v\f\r]+/gu, '')
        const text = [...any].filter((character) => hasTokens(tokenizer, character)).join('')
        expect([text, peer.tokenize(text, { parseSpecial: true })]).toEqual([text, idsHere(tokenizer, text)])
      }
    })
  })
})

describe('llama.cpp does otherwise than', () => {
  it.each<[string, () => Tokenizer, { same: string[]; other: string[] }]>([
    [
      'Metaspace, always: at a space that begins a text',
      () =>
        small(smallSentencePiece(), (json) =>
          Object.assign(json, { normalizer: null, pre_tokenizer: metaspace('always') }),
        ),
      { same: ['hi the', '<s>hi'], other: [' hi'] },
    ],
    [
      'Metaspace, first: after a special token, too',
      () =>
        small(smallSentencePiece(), (json) =>
          Object.assign(json, { normalizer: null, pre_tokenizer: metaspace('first') }),
        ),
      { same: ['hi the'], other: [' hi', 'x<s>hi'] },
    ],
    [
      'NFC: where a text is not in it',
      () => small(smallByteLevel(), (json) => Object.assign(json, { normalizer: { type: 'NFC' } })),
      { same: ['the caf\u00e9'], other: ['the cafe\u0301'] },
    ],
    [
      'add_prefix_space',
      () => small(smallByteLevel(), (json) => Object.assign(json.pre_tokenizer!, { add_prefix_space: true })),
      { same: [' the'], other: ['the'] },
    ],
  ])('%s', async (_, make, { same, other }) => {
    const tokenizer = make()
    await expect(saveGguf(await tokenizedModel(tokenizer), root)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('acceptDifferences'),
    })
    const differences = await withPeer(tokenizer, { acceptDifferences: true }, (peer) => {
      for (const text of same) expect(peer.tokenize(text, { parseSpecial: true })).toEqual(idsHere(tokenizer, text))
      for (const text of other)
        expect(peer.tokenize(text, { parseSpecial: true })).not.toEqual(idsHere(tokenizer, text))
    })
    expect(differences.filter((said) => !/^it ends answers/.test(said)).length).toBe(1)
  })
})

describe('llama.cpp ends answers', () => {
  it('at every token that ends them here, known to it or not', async () => {
    const tokenizer = small(smallByteLevel(), ({ added_tokens, model }) => {
      for (const content of ['<|a|>', '<|b|>', '<|c|>']) {
        const id = Object.keys(model.vocab).length
        model.vocab[content] = id
        added_tokens.push({ ...added_tokens[0]!, id, content })
      }
    })
    const ends = ['<|im_end|>', '<|a|>', '<|b|>']
    await withPeer(tokenizer, { ends }, (peer) => {
      for (const piece of ends) expect([piece, peer.isEnd(tokenizer.tokenToId(piece)!)]).toEqual([piece, true])
      for (const piece of ['<|c|>', '<|im_start|>', ',', '\u0120the'])
        expect([piece, peer.isEnd(tokenizer.tokenToId(piece)!)]).toEqual([piece, false])
    })
  })

  it('nowhere else where none is named, but at what only pads', async () => {
    const tokenizer = smallTokenizer(smallByteLevel(), {})
    await withPeer(tokenizer, { ends: [], padding: 2 }, (peer) => {
      const ends = Array.from({ length: tokenizer.vocabularySize }, (_, id) => id).filter((id) => peer.isEnd(id))
      expect(ends.map((id) => tokenizer.idToToken(id))).toEqual(['<|endoftext|>', '<|im_end|>'])
    })
  })
})
