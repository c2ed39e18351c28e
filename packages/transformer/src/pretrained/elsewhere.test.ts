import { testData } from '@outrider/test-data'
import { describe, expect, it } from 'vitest'
import { Tokenizer } from '../tokenizer/index'
import { type ComparedElsewhere, obstaclesElsewhere } from './elsewhere'
import { openCausalLM } from './load'

const target = await openCausalLM(testData('stories260K'))
const sized = (vocabularySize: number): ComparedElsewhere => ({
  ...target,
  config: { ...target.config, vocabularySize },
})
const texts = target.tokenizer.toFiles()
interface TokenizerJson extends Record<string, unknown> {
  model: { vocab: Record<string, number>; merges: (string | string[])[] }
}
/** The target's tokenizer with something changed. */
const changed = (edit: (json: TokenizerJson) => void): ComparedElsewhere => {
  const json = JSON.parse(texts['tokenizer.json']!) as TokenizerJson
  edit(json)
  return { ...target, tokenizer: Tokenizer.fromJson(json, texts['tokenizer_config.json']) }
}

describe('what other engines demand of a draft', () => {
  it('is kept by the target itself', () => {
    expect(obstaclesElsewhere(target, target)).toEqual([])
  })

  it('is its very vocab_size in transformers and vLLM, and little more or less in llama.cpp', () => {
    const what = "its vocab_size is 640, and the target's 512, padding counted"
    expect(obstaclesElsewhere(target, sized(640))).toEqual([
      { engine: 'transformers', what },
      { engine: 'vLLM', what },
    ])
    expect(obstaclesElsewhere(target, sized(641))).toContainEqual({
      engine: 'llama.cpp',
      what: 'it has 641 tokens, and the target 512',
    })
  })

  it('is the tokens that begin and end a text, in llama.cpp', () => {
    const others = { ...target, generationConfig: { ...target.generationConfig, eosTokenIds: [7] } }
    const bare = { ...others, tokenizer: Tokenizer.fromJson(texts['tokenizer.json']!, {}) }
    expect(obstaclesElsewhere(target, bare)).toEqual([
      { engine: 'llama.cpp', what: "its token that ends a text is 7, and the target's 2" },
    ])
    const unmarked = changed((json) => {
      json.post_processor = null
    })
    expect(obstaclesElsewhere(target, unmarked)).toEqual([
      {
        engine: 'llama.cpp',
        what: "its marking of where a text begins (add_bos_token) is false, and the target's true",
      },
    ])
  })

  it('is the text of every token, in llama.cpp, and that its tokenizer can be written as GGUF', () => {
    const renamed = changed(({ model }) => {
      const [piece] = Object.entries(model.vocab).find(([, id]) => id === 511)!
      delete model.vocab[piece]
      model.vocab['☃'] = 511
      model.merges = model.merges.filter(
        (pair) => (typeof pair === 'string' ? pair.split(' ') : pair).join('') !== piece,
      )
    })
    expect(obstaclesElsewhere(target, renamed)).toEqual([
      { engine: 'llama.cpp', what: expect.stringMatching(/^its token 511 is "☃", and the target's ".+"$/) },
    ])
    const many = { ...target, generationConfig: { eosTokenIds: [2, 7, 8, 9] } }
    expect(obstaclesElsewhere(target, many)).toEqual([
      { engine: 'llama.cpp', what: expect.stringContaining('of which llama.cpp can be told three') },
    ])
  })
})
