import { describe, expect, it } from 'vitest'
import { placeOf } from './far-models'

describe('what is typed for a model that is far', () => {
  const hub = 'https://huggingface.co/org/name/resolve'
  it.each([
    ['org/name', { address: `${hub}/main`, name: 'org/name', file: undefined }],
    ['org/name@v1', { address: `${hub}/v1`, name: 'org/name@v1', file: undefined }],
    ['org/name@pr/1', { address: `${hub}/pr%2F1`, name: 'org/name@pr/1', file: undefined }],
    ['org/name/x.Q8_0.gguf', { address: `${hub}/main`, name: 'org/name', file: 'x.Q8_0.gguf' }],
    ['https://huggingface.co/org/name', { address: `${hub}/main`, name: 'org/name', file: undefined }],
    ['https://huggingface.co/org/name/tree/v1', { address: `${hub}/v1`, name: 'org/name@v1', file: undefined }],
    [`${hub}/main/a%20b.gguf?download=true`, { address: `${hub}/main?download=true`, file: 'a b.gguf' }],
    ['http://host:8/models/tiny/', { address: 'http://host:8/models/tiny', name: 'http://host:8/models/tiny' }],
  ])('%s', (text, place) => {
    expect(placeOf(text)).toMatchObject(place)
  })

  it('is refused where it is neither a name nor an address', () => {
    for (const text of ['name', '../x', 'ftp://host/m', 'http://'])
      expect(() => placeOf(text)).toThrow(/neither the name of a model on the Hub nor an address/)
  })
})
