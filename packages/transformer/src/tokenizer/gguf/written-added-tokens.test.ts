import { describe, expect, it } from 'vitest'
import { kinds } from './kinds'
import { smallByteLevel, smallSentencePiece } from './small-tokenizers.fixture'
import { type Change, changed, eosConfig, field, refused, written } from './written.fixture'

describe('the tokens', () => {
  it('have the kinds of llama.cpp; ids without a piece are unused, under names that are no pieces', () => {
    const json = changed(smallSentencePiece(), ({ model: { vocab }, added_tokens }) => {
      vocab['[PAD320]'] = Object.keys(vocab).length
      Object.assign(added_tokens[3]!, { special: false })
    })
    const vocabulary = written(json, { padding: 30 })
    const [pieces, types] = [
      field(vocabulary, 'ggml.tokens') as string[],
      field(vocabulary, 'ggml.token_type') as number[],
    ]
    const kindOf = (piece: string) => types[pieces.indexOf(piece)]
    expect(kindOf('<unk>')).toBe(kinds.unknown)
    expect(kindOf('</s>')).toBe(kinds.control)
    expect(kindOf('<|im_start|>')).toBe(kinds.userDefined)
    expect(kindOf('<0x0A>')).toBe(kinds.byte)
    expect(kindOf('▁the')).toBe(kinds.normal)
    expect(types.slice(-30)).toEqual(Array(30).fill(kinds.unused))
    expect(pieces[320]).toBe('[[PAD320]]')
    expect(new Set(pieces).size).toBe(pieces.length)
  })

  it('are those of tokenizer_config.json, too, with their flags', () => {
    const token = (flags: object) => ({
      config: { ...eosConfig, added_tokens_decoder: { 999: { content: '<|tool|>', special: false, ...flags } } },
    })
    const vocabulary = written(smallByteLevel(), token({}))
    const at = (field(vocabulary, 'ggml.tokens') as string[]).indexOf('<|tool|>')
    expect((field(vocabulary, 'ggml.token_type') as number[])[at]).toBe(kinds.userDefined)
    refused(smallByteLevel(), /"<\|tool\|>" takes white space before it/, token({ lstrip: true }))
  })

  it('beyond the model are text to llama.cpp', () => {
    const json = changed(smallByteLevel(), ({ added_tokens, model }) => {
      added_tokens.push({ ...added_tokens[0]!, id: Object.keys(model.vocab).length, content: '<|tool|>' })
    })
    expect(written(json, { padding: -1 }).differences).toEqual([
      expect.stringMatching(/"<\|tool\|>" \(\d+\) is beyond the model's/),
    ])
  })

  it('that llama.cpp takes for marks by their text are said', () => {
    const json = changed(smallByteLevel(), ({ model }) => {
      model.vocab['<EOT>'] = Object.keys(model.vocab).length
    })
    expect(written(json).differences).toEqual(['"<EOT>" is text to it, and a mark to llama.cpp'])
  })

  it.each<[string, Change, RegExp]>([
    [
      'between words only',
      ({ added_tokens: [first] }) => Object.assign(first!, { single_word: true }),
      /"<\|endoftext\|>".*single_word/,
    ],
    ['with white space before', ({ added_tokens: [first] }) => Object.assign(first!, { lstrip: true }), /lstrip/],
    [
      'with white space after',
      ({ added_tokens: [first] }) => Object.assign(first!, { rstrip: true }),
      /rstrip.*Phi-3 alone/,
    ],
  ])('that are found otherwise are refused by name: %s', (_, change, message) => {
    refused(changed(smallByteLevel(), change), message)
  })

  it('that are found in normalized text are refused where that changes them', () => {
    const json = changed(smallSentencePiece(), ({ added_tokens }) =>
      Object.assign(added_tokens[3]!, { normalized: true }),
    )
    refused(json, /"<\|im_start\|>" is found in the text as it is after normalization/)
    const plain = changed(smallByteLevel(), ({ added_tokens }) => Object.assign(added_tokens[1]!, { normalized: true }))
    expect(written(plain).differences).toEqual([])
  })

  it('that take white space after them as those of Phi-3 do are kept as theirs', () => {
    const json = changed(smallSentencePiece(), ({ added_tokens, model }) => {
      for (const token of added_tokens) token.rstrip = !['<unk>', '<s>'].includes(token.content)
      const id = Object.keys(model.vocab).length
      added_tokens.push({ ...added_tokens[0]!, id, content: '<|endoftext|>' })
    })
    expect(written(json)).toMatchObject({
      asPhi3: true,
      differences: [],
      remarks: expect.arrayContaining([expect.stringMatching(/white space of ASCII alone/)]),
    })
    expect(written(smallSentencePiece()).asPhi3).toBe(false)
  })

  it.each([
    [['<<a>', '<a><b>>'], /"<<a>" and "<a><b>>" overlap/],
    [['ab', 'bc'], /"ab" and "bc" overlap/],
    [['abc', 'cd'], undefined],
    [['  ', '   ', '\t\t'], undefined],
  ])('that overlap in a text are said where llama.cpp finds another: %j', (contents, said) => {
    const json = changed(smallByteLevel(), ({ added_tokens, model }) => {
      for (const content of contents)
        added_tokens.push({ ...added_tokens[0]!, id: Object.keys(model.vocab).length + added_tokens.length, content })
    })
    expect(written(json).differences).toEqual(said ? [expect.stringMatching(said)] : [])
  })

  it('with the character 0 are refused', () => {
    const json = changed(smallSentencePiece(), ({ model }) => {
      model.vocab['a\0b'] = Object.keys(model.vocab).length
    })
    refused(json, /"a\\u0000b" has the character 0/)
  })

  it('with two ids are refused', () => {
    const json = changed(smallByteLevel(), ({ added_tokens }) =>
      added_tokens.push({ ...added_tokens[0]!, id: 5, content: 'h' }),
    )
    refused(json, /has two ids/)
  })
})
