import { readFileSync } from 'node:fs'
import { testData } from '@outrider/test-data'
import { describe, expect, it } from 'vitest'
import { tokenizerLimits } from '../bounded-tokenizer'
import { Tokenizer } from '../tokenizer'
import { decoder, decoders } from './decoders'
import { normalizer, normalizers } from './normalizers'
import { postProcessors } from './post-processors'
import { preTokenizer, preTokenizers } from './pre-tokenizers'
import { StepFields } from './step'

interface Case<Out> {
  json: Record<string, unknown>
  texts?: string[]
  out: Out[]
}

/** Recorded from Hugging Face's tokenizers 0.23.3 by record-rust-steps.py beside it. */
const rust = JSON.parse(readFileSync(testData('tokenizers/rust-steps.json'), 'utf8')) as {
  texts: string[]
  pieces: string[][]
  pre_tokenizers: Record<string, Case<string[]>>
  normalizers: Record<string, Case<string>>
  decoders: Record<string, Case<string>>
  tokenizers: Record<string, Case<number[]>>
}

const step = (json: unknown) =>
  new StepFields(json, { where: 'tokenizer.json: step', limits: tokenizerLimits, unknown: () => {} })

const typesIn = (cases: Record<string, Case<unknown>>) => new Set(Object.values(cases).map(({ json }) => json.type))

describe('a step of a tokenizer does what it does in the Rust library', () => {
  it.each(Object.entries(rust.pre_tokenizers))('pre-tokenizer: %s', (_, { json, out }) => {
    const cut = preTokenizer(step(json))
    expect(rust.texts.map((text) => cut([{ text, begins: true }]).map((word) => word.text))).toEqual(out)
  })

  it.each(Object.entries(rust.normalizers))('normalizer: %s', (_, { json, out }) => {
    expect(rust.texts.map(normalizer(step(json)))).toEqual(out)
  })

  it.each(Object.entries(rust.decoders))('decoder: %s', (_, { json, out }) => {
    const decode = decoder(step(json))
    expect(rust.pieces.map((pieces) => decode(pieces).join(''))).toEqual(out)
  })

  it.each(Object.entries(rust.tokenizers))('%s', (_, { json, texts, out }) => {
    const tokenizer = Tokenizer.fromJson(json)
    expect(texts!.map((text) => [text, tokenizer.encode(text)])).toEqual(texts!.map((text, i) => [text, out[i]]))
  })

  it('is compared in every kind', () => {
    expect(typesIn(rust.pre_tokenizers)).toEqual(new Set(Object.keys(preTokenizers)))
    expect(typesIn(rust.normalizers)).toEqual(new Set(Object.keys(normalizers)))
    expect(typesIn(rust.decoders)).toEqual(new Set(Object.keys(decoders)))
    const framing = JSON.stringify(Object.values(rust.tokenizers).map(({ json }) => json.post_processor))
    for (const type of Object.keys(postProcessors)) expect(framing).toContain(`"type":"${type}"`)
  })
})
