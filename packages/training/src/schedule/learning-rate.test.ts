import { describe, expect, it } from 'vitest'
import { learningRate } from './learning-rate'

describe('the learning rate', () => {
  it('grows linearly to its peak and falls along half a cosine', () => {
    const options = { peak: 1, steps: 110, warmup: 10, floor: 0.1 }
    expect(learningRate(0, options)).toBeCloseTo(0.1)
    expect(learningRate(9, options)).toBeCloseTo(1)
    expect(learningRate(10, options)).toBeCloseTo(1)
    expect(learningRate(60, options)).toBeCloseTo(0.55)
    expect(learningRate(110, options)).toBeCloseTo(0.1)
  })
  it('falls linearly, or not at all', () => {
    expect(learningRate(60, { peak: 2, steps: 110, warmup: 10, decay: 'linear', floor: 0 })).toBeCloseTo(1)
    expect(learningRate(60, { peak: 2, steps: 110, warmup: 10, decay: 'constant' })).toBe(2)
  })
  it('refuses a rate that is not positive', () => {
    expect(() => learningRate(0, { peak: 0, steps: 1 })).toThrow(/must be positive/)
  })
})
