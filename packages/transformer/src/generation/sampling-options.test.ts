import { describe, expect, it } from 'vitest'
import { resolveSampling } from './sampling-options'

describe('resolveSampling', () => {
  it('is greedy unless it is told otherwise', () => {
    expect(resolveSampling()).toEqual({ temperature: 0, topK: 0, topP: 1, seed: 0 })
    expect(resolveSampling({ temperature: 0.7, topP: undefined })).toEqual({
      temperature: 0.7,
      topK: 0,
      topP: 1,
      seed: 0,
    })
  })

  it.each([
    [{ temperature: -1 }, /temperature is -1; it must be 0 or more/],
    [{ temperature: Number.NaN }, /temperature is NaN/],
    [{ topK: 1.5 }, /topK is 1.5/],
    [{ topP: 0 }, /topP is 0; it must be above 0/],
    [{ topP: 1.1 }, /topP is 1.1/],
    [{ seed: -3 }, /seed is -3/],
  ])('refuses %o', (options, message) => {
    expect(() => resolveSampling(options)).toThrow(message)
  })
})
