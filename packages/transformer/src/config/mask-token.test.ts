import { describe, expect, it } from 'vitest'
import type { FileWarning } from '../files/file-warning'
import { configToJson, parseConfig } from './parse-config'
import { sizes } from './sizes.fixture'

const read = (json: object) => {
  const warnings: FileWarning[] = []
  const config = parseConfig({ ...sizes, model_type: 'llama', ...json }, 'm/config.json', (told) => warnings.push(told))
  return { mask: config.maskTokenId, warnings: warnings.map(({ message }) => message) }
}

describe('the token that stands for what is not drafted yet', () => {
  it.each([
    ["AMD's keys", { pard_token: 7, spd_type: 'pard' }],
    ['the id alone', { pard_token: 7 }],
    ['a key of vLLM', { ptd_token_id: 7 }],
    ['the mask token of what says that it is a parallel draft', { mask_token_id: 7, spd_type: 'pard' }],
    ["DFlash's place", { dflash_config: { mask_token_id: 7 }, spd_type: 'pard' }],
    ["AMD's key before all others", { dflash_config: { mask_token_id: 1 }, mask_token_id: 2, pard_token: 7 }],
    ['the last id', { pard_token: 999 }, 999],
  ])('is read from %s', (_, json, id = 7) => {
    expect(read(json)).toEqual({ mask: id, warnings: [] })
  })

  it.each([
    ['says nothing of it', {}],
    ['has a mask token for another purpose', { mask_token_id: 7 }],
    ['says that there is none', { pard_token: null, spd_type: null }],
  ])('is none of a model that %s', (_, json) => {
    expect(read(json)).toEqual({ mask: undefined, warnings: [] })
  })

  it('is none of a draft of another kind, which is told', () => {
    expect(read({ pard_token: 7, spd_type: 'other' })).toEqual({
      mask: undefined,
      warnings: ['m/config.json: "other" is no way of drafting here, and ignored: spd_type.'],
    })
  })

  it.each([
    ['pard_token', { pard_token: 1000 }, 'm/config.json: pard_token is 1000'],
    ['pard_token', { pard_token: -1 }, 'm/config.json: pard_token is -1'],
    ['pard_token', { pard_token: [7] }, 'm/config.json: pard_token is [7]'],
    ['pard_token', { spd_type: 'pard' }, 'm/config.json: pard_token is missing'],
    [
      'mask_token_id',
      { spd_type: 'pard', dflash_config: {} },
      'm/config.json: dflash_config: mask_token_id is missing',
    ],
  ])('is refused by the name of %s where it is none of the vocabulary: %o', (_, json, message) => {
    expect(() => read(json)).toThrow(
      expect.objectContaining({
        code: 'FILE_FORMAT',
        message: `${message}; it must be a token id below vocab_size (1000): what stands for tokens not drafted yet.`,
      }),
    )
  })

  it('is written as AMD and vLLM read it, and read again', () => {
    const config = parseConfig({ ...sizes, model_type: 'llama', ptd_token_id: 7 })
    const json = configToJson(config)
    expect(json).toMatchObject({ pard_token: 7, spd_type: 'pard' })
    expect(parseConfig(json)).toEqual(config)
    expect(configToJson(parseConfig({ ...sizes, model_type: 'llama' }))).not.toHaveProperty('pard_token')
  })
})
