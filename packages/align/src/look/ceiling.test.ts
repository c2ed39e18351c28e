import { describe, expect, it } from 'vitest'
import { ceilings } from './ceiling'

/** A pass of 4 rows costs 1.5 of one, a draft step a tenth. */
const costs = {
  draftSeconds: 0.1,
  targetSeconds: [
    { rows: 1, seconds: 1 },
    { rows: 4, seconds: 1.5 },
    { rows: 8, seconds: 4 },
  ],
}

describe('the ceiling of a draft', () => {
  it('is the tokens expected over what the block costs', () => {
    const [three] = ceilings(costs, { draftLengths: [3], acceptanceRates: [0.5] })
    expect(three!.breakEvenTokens).toBeCloseTo(1.8) // 3 × 0.1 + 1.5
    expect(three!.speedUp[0]!.speedUp).toBeCloseTo((1 + 0.5 + 0.25 + 0.125) / 1.8)
  })

  it('says at which acceptance rate a block brings back what it costs', () => {
    const [three] = ceilings(costs, { draftLengths: [3] })
    const a = three!.breakEvenAcceptance!
    expect(1 + a + a ** 2 + a ** 3).toBeCloseTo(1.8)
  })

  it('is null where a draft that is always right loses', () => {
    const dear = { draftSeconds: 2, targetSeconds: [{ rows: 1, seconds: 1 }] }
    for (const { breakEvenAcceptance, speedUp } of ceilings(dear)) {
      expect(breakEvenAcceptance).toBeNull()
      for (const { speedUp: gain } of speedUp) expect(gain).toBeLessThan(1)
    }
  })
})
