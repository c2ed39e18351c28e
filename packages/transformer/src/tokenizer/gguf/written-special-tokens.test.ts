import { describe, expect, it } from 'vitest'
import { smallByteLevel, smallSentencePiece } from './small-tokenizers.fixture'
import type { GgufVocabulary } from './to-gguf'
import { type Change, changed, eosConfig, field, refused, written } from './written.fixture'

describe('special tokens', () => {
  const frame =
    (...pieces: string[]): Change =>
    (json) => {
      const token = (id: string) => ({ SpecialToken: { id, type_id: 0 } })
      json.post_processor = {
        type: 'TemplateProcessing',
        single: pieces.map((piece) => (piece === 'A' ? { Sequence: { id: 'A', type_id: 0 } } : token(piece))),
        pair: [],
        special_tokens: Object.fromEntries(
          pieces.filter((piece) => piece !== 'A').map((id) => [id, { id, ids: [json.model.vocab[id]!], tokens: [id] }]),
        ),
      }
    }
  const special = (vocabulary: GgufVocabulary) => {
    const tokens = field(vocabulary, 'ggml.tokens') as string[]
    const ids = ['bos', 'eos', 'eot', 'eom', 'unknown', 'padding'].flatMap((key) => {
      const id = field(vocabulary, `ggml.${key}_token_id`) as number | undefined
      return id === undefined ? [] : [[key, tokens[id]]]
    })
    return Object.fromEntries(ids) as Record<string, string>
  }

  it('frame a text as the post-processor says', () => {
    const json = changed(smallSentencePiece(), frame('<s>', 'A', '</s>'))
    const vocabulary = written(json, {
      ends: ['</s>', '<|im_end|>'],
      config: { unk_token: '<unk>', pad_token: '<|im_start|>' },
    })
    expect([field(vocabulary, 'ggml.add_bos_token'), field(vocabulary, 'ggml.add_eos_token')]).toEqual([true, true])
    expect(special(vocabulary)).toEqual({
      bos: '<s>',
      eos: '</s>',
      eot: '<|im_end|>',
      unknown: '<unk>',
      padding: '<|im_start|>',
    })
  })

  it.each<[string, Change]>([
    ['two before a text', frame('<s>', '<|im_start|>', 'A')],
    ['two after it', frame('A', '</s>', '<|im_end|>')],
  ])('that llama.cpp cannot put around a text are refused: %s', (_, change) => {
    refused(changed(smallSentencePiece(), change), /puts 2 tokens around a text/)
  })

  it('that end a text and no answer end answers in llama.cpp', () => {
    const json = changed(smallSentencePiece(), frame('A', '<s>'))
    expect(written(json).differences).toEqual([
      '"<s>" ends its texts and none of its answers; llama.cpp ends answers there, too',
    ])
  })

  it('that end an answer are all written, but for those that llama.cpp knows by their text', () => {
    const json = changed(smallByteLevel(), ({ added_tokens, model }) => {
      for (const content of ['<|a|>', '<|b|>', '<|c|>']) {
        const id = Object.keys(model.vocab).length
        model.vocab[content] = id
        added_tokens.push({ ...added_tokens[0]!, id, content })
      }
    })
    const known = ['<|endoftext|>', '<|im_end|>']
    expect(special(written(json, { ends: ['<|a|>', ...known, '<|b|>'] }))).toEqual({
      eos: '<|im_end|>',
      eot: '<|a|>',
      eom: '<|b|>',
    })
    expect(special(written(json, { ends: ['<|a|>', '<|b|>', '<|c|>'], config: { eos_token: '<|b|>' } }))).toEqual({
      eos: '<|b|>',
      eot: '<|a|>',
      eom: '<|c|>',
    })
    refused(json, /4 tokens end its answers.*three: "<\|im_end\|>", "<\|a\|>"/, { ends: ['<|a|>', '<|b|>', '<|c|>'] })
  })

  it('that end answers in llama.cpp alone are said', () => {
    const json = changed(smallByteLevel(), ({ model }) => {
      model.vocab['<reponame>'] = Object.keys(model.vocab).length
    })
    expect(written(json).remarks).toEqual([
      expect.stringMatching(/^it ends answers at "<\|endoftext\|>", "<reponame>", too/),
    ])
    const asked = written(smallByteLevel(), { ends: ['<|im_end|>', '<|endoftext|>'] })
    expect(asked.remarks).toEqual([])
  })

  it('are never those that llama.cpp takes where none is named', () => {
    refused(smallByteLevel(), /no token ends its answers.*token 11 \("\(|at token 11/, { ends: [], config: {} })
    const padded = written(smallByteLevel(), { ends: [], config: {}, padding: 1 })
    expect(special(padded).eos).toMatch(/^\[PAD\d+\]$/)
  })

  it.each([
    ['{{ bos_token }}', eosConfig, /bos_token, which is none; llama.cpp has/],
    ['{{ bos_token }}', { ...eosConfig, bos_token: '<|endoftext|>' }, undefined],
    ['{{ eos_token }}', eosConfig, undefined],
    ['{{ eos_token }}', { eos_token: 'he' }, /eos_token, which is "he"; llama.cpp has "<\|im_end\|>"/],
    [
      '{{ unk_token }}',
      { ...eosConfig, unk_token: '<|endoftext|>' },
      /unk_token, which is "<\|endoftext\|>"; llama.cpp has none/,
    ],
    ['{{ messages[0].content }}', eosConfig, undefined],
  ])('that a chat template writes are those that llama.cpp gives it: %s with %j', (template, config, said) => {
    const { differences } = written(smallByteLevel(), { template, config })
    expect(differences).toEqual(said ? [expect.stringMatching(said)] : [])
  })
})

describe('chat templates', () => {
  it('are all written, under their names', () => {
    const list = [
      { name: 'default', template: 'a' },
      { name: 'tool_use', template: 'b' },
      { name: 'rag', template: 'c' },
    ]
    const vocabulary = written(smallByteLevel(), { template: 'a', config: { ...eosConfig, chat_template: list } })
    expect(field(vocabulary, 'chat_template')).toBe('a')
    expect(field(vocabulary, 'chat_templates')).toEqual(['tool_use', 'rag'])
    expect(field(vocabulary, 'chat_template.tool_use')).toBe('b')
    expect(field(vocabulary, 'chat_template.rag')).toBe('c')
  })
})
