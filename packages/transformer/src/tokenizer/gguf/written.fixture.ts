import { expect } from 'vitest'
import { ChatTemplate } from '../chat-template'
import { type SmallJson, smallTokenizer } from './small-tokenizers.fixture'
import { type GgufVocabulary, ggufVocabulary } from './to-gguf'

export type Change = (json: SmallJson) => void

/** The model that has the tokenizer. */
export interface Model {
  padding?: number
  ends?: string[]
  config?: Record<string, unknown>
  template?: string
}

export const eosConfig = { eos_token: '<|im_end|>' }

/** A tokenizer of a model with these tokens beyond it, in llama.cpp's metadata. */
export function written(
  json: SmallJson,
  { padding = 0, ends = ['<|im_end|>'], config = eosConfig, template }: Model = {},
): GgufVocabulary {
  const tokenizer = smallTokenizer(json, config)
  return ggufVocabulary({
    tokenizer,
    ...(template !== undefined && { chatTemplate: ChatTemplate.fromConfig({ chat_template: template, ...config })! }),
    config: { vocabularySize: tokenizer.vocabularySize + padding },
    generationConfig: { eosTokenIds: ends.map((piece) => tokenizer.tokenToId(piece)!) },
  })
}

export const changed = (json: SmallJson, change: Change): SmallJson => {
  change(json)
  return json
}

export const field = ({ metadata }: GgufVocabulary, key: string) => metadata.get(`tokenizer.${key}`)?.value

export const refused = (json: SmallJson, message: RegExp, model?: Model) =>
  expect(() => written(json, model)).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringMatching(message) }),
  )
