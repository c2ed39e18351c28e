import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { uniform01 } from '@outrider/tensor'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openGguf } from '../../files/gguf/read'
import { memoryDirectory } from '../../files/index'
import { llamaCppVocabularies } from '../../pretrained/gguf/llama-cpp.fixture'
import { ggufTokenizer } from './from-gguf'
import { someMerges, vocabularyGguf } from './small-vocabulary.fixture'
import { refusedCuts, wordCutsNamed } from './word-cuts'

/** All names of ways to cut words in llama.cpp v0.5.0 (`tokenizer_pre` in src/llama-vocab.cpp), in its order. */
const names =
  'default minicpm5 llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano deepseek-llm deepseek-coder deepseek-v3 spark2_5 youtu falcon mpt starcoder gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum modern-bert jais-2 gemma4 granite-embed-multi-311m sarvam-moe jina-v1-en jina-v2-code roberta-bpe whitespace refact command-r qwen2 deepseek-r1-qwen kormo f2llmv2 qwen35 stablelm2 olmo dbrx smaug-bpe poro-chat glm4 chatglm-bpe viking jais tekken smollm codeshell bloom gpt3-finnish exaone exaone4 exaone-moe chameleon minerva-7b megrez gpt-4o llama4 kanana2 talkie granite-embed-multi-97m tiny_aya cohere2moe superbpe trillion granite-docling bailingmoe bailingmoe2 llada-moe seed-coder hunyuan hunyuan-dense hy_v4 joyai-llm kimi-k2 ufakzeka grok-2 afmoe laguna minimax-m2 solar-open mellum2'.split(
    ' ',
  )

let root: string
let peer: Awaited<ReturnType<typeof llamaCppVocabularies>>
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'outrider-cuts-'))
  peer = await llamaCppVocabularies()
})
afterAll(async () => {
  await peer.dispose()
  await rm(root, { recursive: true, force: true })
})

it('every name of llama.cpp is known, or refused with a reason', () => {
  const unknown = names.filter((name) => (wordCutsNamed(name) === undefined) === (refusedCuts[name] === undefined))
  expect(unknown).toEqual([])
  expect(Object.keys(refusedCuts).filter((name) => !names.includes(name))).toEqual([])
})

/** Characters that every version of Unicode has alike. */
const ranges = [
  [0x20, 0x7e],
  [0x20, 0x20],
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x61, 0x7a],
  [0x09, 0x0d],
  [0xa0, 0x24f],
  [0x300, 0x36f],
  [0x391, 0x3a1],
  [0x400, 0x4ff],
  [0x5d0, 0x5ea],
  [0x660, 0x669],
  [0x915, 0x939],
  [0x2000, 0x2063],
  [0x2150, 0x2189],
  [0x2460, 0x24ff],
  [0x3000, 0x303f],
  [0x3041, 0x3096],
  [0x3131, 0x318e],
  [0x4e00, 0x9fa5],
  [0xac00, 0xd7a3],
  [0xff01, 0xffbe],
  [0x1f300, 0x1f5ff],
  [0x10400, 0x1044f],
] as const

const parts = [
  "'s 'LL don't I'VE",
  ' \n\n',
  '\r\n',
  '12345',
  '1234567',
  'a/b\n',
  'HTTPServer',
  'привет МИР',
  '（）。，',
  '//\n',
  '<sentinel:12>IMGIMGABZ',
  '\t    ',
  '½²①',
]

function anyText(seed: number): string {
  let draws = 0
  const random = (below: number) => Math.floor(uniform01(seed, draws++) * below)
  let text = ''
  for (let run = random(8); run >= 0; run--) {
    if (random(3) === 0) text += parts[random(parts.length)]
    const [low, high] = ranges[random(ranges.length)]!
    for (let i = random(8); i >= 0; i--)
      text += String.fromCodePoint(low + random(high - low + 1)).repeat(random(6) === 0 ? random(5) : 1)
  }
  return text
}

const texts = Array.from({ length: 150 }, (_, seed) => anyText(seed))

/** One name for each way to cut. */
const ways = [
  ...new Map(names.filter((name) => wordCutsNamed(name)).map((name) => [wordCutsNamed(name), name])).values(),
]

it.each(ways)('words are cut as llama.cpp cuts them: %s', async (pre) => {
  const file = vocabularyGguf({
    model: 'gpt2',
    marks: [['<s>', 3]],
    merges: someMerges,
    values: { 'tokenizer.ggml.pre': ['string', pre], 'tokenizer.ggml.bos_token_id': ['u32', 0] },
  })
  await writeFile(join(root, 'm.gguf'), file)
  const theirs = await peer.open(join(root, 'm.gguf'))
  const { tokenizer } = ggufTokenizer(await openGguf(memoryDirectory({ 'm.gguf': file }), 'm.gguf'))
  const expected = texts.map((text) => ({ text, ids: theirs.tokenize(text).join(' ') }))
  const begin = theirs.begin
  await theirs.dispose()
  const found = texts.map((text) => ({ text, ids: tokenizer.encode(text, { addSpecialTokens: false }).join(' ') }))
  expect(found).toEqual(expected)
  expect(tokenizer.encode('')).toEqual(begin === undefined ? [] : [begin])
})

it.each(Object.keys(refusedCuts))('what is not supported is refused by name: %s', async (pre) => {
  const file = vocabularyGguf({ model: 'gpt2', values: { 'tokenizer.ggml.pre': ['string', pre] } })
  const opened = await openGguf(memoryDirectory({ 'm.gguf': file }), 'm.gguf')
  expect(() => ggufTokenizer(opened)).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining(`as "${pre}" does`) }),
  )
})
