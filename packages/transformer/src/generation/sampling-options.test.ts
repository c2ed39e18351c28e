import { describe, expect, it } from 'vitest'
import { resolveSampling } from './sampling-options'

describe('resolveSampling', () => {
  it('is greedy unless it is told otherwise', () => {
    const penalties = { presencePenalty: 0, frequencyPenalty: 0, repetitionPenalty: 1 }
    const neutral = { temperature: 0, topK: 0, topP: 1, minP: 0, logitBias: {}, ...penalties, seed: 0 }
    expect(resolveSampling()).toEqual(neutral)
    expect(resolveSampling({ temperature: 0.7, topP: undefined })).toEqual({ ...neutral, temperature: 0.7 })
  })

  it.each([
    [{ temperature: -1 }, /temperature is -1; it must be 0 or more/],
    [{ temperature: Number.NaN }, /temperature is NaN/],
    [{ topK: 1.5 }, /topK is 1.5/],
    [{ topP: 0 }, /topP is 0; it must be above 0/],
    [{ topP: 1.1 }, /topP is 1.1/],
    [{ minP: 1.1 }, /minP is 1.1; it must be from 0 to 1/],
    [{ minP: -0.1 }, /minP is -0.1/],
    [{ logitBias: { 5: Number.NaN } }, /logitBias\[5\] is NaN; it must be a finite number/],
    [{ logitBias: { hello: 1 } as Record<number, number> }, /logitBias is for "hello"; it must be for ids/],
    [{ presencePenalty: Number.POSITIVE_INFINITY }, /presencePenalty is Infinity/],
    [{ frequencyPenalty: Number.NaN }, /frequencyPenalty is NaN/],
    [{ repetitionPenalty: 0 }, /repetitionPenalty is 0; it must be above 0/],
    [{ seed: -3 }, /seed is -3/],
  ])('refuses %o', (options, message) => {
    expect(() => resolveSampling(options)).toThrow(message)
  })
})
