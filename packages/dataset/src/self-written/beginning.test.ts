import { byteTokenizer, ChatTemplate } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { chatSpeaker, plainSpeaker } from '../tiny-model.fixture'
import { beginningOfText, emptyUserTurn } from './beginning'

const templated = (template: string) => ({ ...chatSpeaker, chatTemplate: new ChatTemplate(template) })

describe('the empty turn of a user', () => {
  it('is what the template writes before a message, and any mark ends it', () => {
    expect(emptyUserTurn(chatSpeaker)).toEqual({
      ...{ prefix: '<s><user>', begin: [], stop: [] },
      endIds: [257, 256, 258, 259],
    })
  })

  it('begins with the system message that a template adds by itself', () => {
    const turn = emptyUserTurn(
      templated(
        '<s>{% for m in messages %}{% if loop.first %}Be kind.</s>{% endif %}<user>{{ m.content | trim }}</s>{% endfor %}',
      ),
    )
    expect(turn).toMatchObject({ prefix: '<s>Be kind.</s><user>', stop: [] })
  })

  it('ends at the text that stands after a message, where no mark does', () => {
    const turn = emptyUserTurn(templated('{% for m in messages %}[INST] {{ m.content }} [/INST]{% endfor %}'))
    expect(turn).toMatchObject({ prefix: '[INST]', stop: ['[/INST]'] })
  })

  it('is not to be had of a model without a template', () => expect(emptyUserTurn(plainSpeaker)).toBeUndefined())
})

describe('the beginning of a text', () => {
  const tokenizerOf = (specialTokens: string[], begin: number[]) =>
    Object.create(byteTokenizer({ specialTokens }), { encode: { value: () => begin } })
  const beginOf = (specialTokens: string[], { own = [], bos }: { own?: number[]; bos?: number } = {}) => {
    const generationConfig = { ...(bos !== undefined && { bosTokenId: bos }), eosTokenIds: [257] }
    return beginningOfText({ ...plainSpeaker, tokenizer: tokenizerOf(specialTokens, own), generationConfig }).begin
  }

  it('is what the tokenizer puts before every text, without what ends one', () => {
    expect(beginOf(['<s>', '</s>', '<|endoftext|>'], { own: [256, 257] })).toEqual([256])
    expect(beginOf(['<s>', '</s>'], { own: [257], bos: 257 })).toEqual([257])
  })

  it('is else the mark between documents, the begin token, or the end of the text before', () => {
    expect(beginOf(['<a>', '<b>', '<|endoftext|>'], { bos: 256 })).toEqual([258])
    expect(beginOf(['<a>', '<b>'], { bos: 256 })).toEqual([256])
    expect(beginOf(['<a>', '<b>'])).toEqual([257])
  })

  it('is, beside all marks, what ends a text', () => {
    expect(beginningOfText(plainSpeaker).endIds).toEqual([257, 256, 258, 259])
  })
})
