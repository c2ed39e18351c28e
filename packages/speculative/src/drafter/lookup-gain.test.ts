import { describe, expect, it } from 'vitest'
import { declaredCosts } from '../draft-length/declared-costs'
import { LookupGain } from './lookup-gain'

const costs = declaredCosts({ parameterRatio: 0, isSoftware: false })
/** Numbers that never occur twice. */
const novel = (begin: number, length: number) => Array.from({ length }, (_, i) => begin + i)

describe('what lookups would have gained', () => {
  it('is much where answers repeat the prompt, and nothing where they say something new', () => {
    const text = novel(0, 120)
    const repeating = new LookupGain({ costs })
    repeating.add([...text, 500, 0], text.slice(1))
    // Fifteen tokens of sixteen are drafted, once it is sure of itself.
    expect(repeating.speedUp).toBeGreaterThan(5)
    expect(repeating.speedUp).toBeLessThan(16)

    const telling = new LookupGain({ costs })
    telling.add(text, novel(1000, 100))
    expect(telling.speedUp).toBe(1)
  })

  it('is counted over all answers, and not said before there is something to go by', () => {
    const gain = new LookupGain({ costs })
    gain.add([1, 2], novel(10, 40))
    expect(gain.speedUp).toBeNull()
    gain.add([1, 2], [1])
    gain.add([1, 2], [])
    expect(gain.speedUp).toBeNull()
    gain.add([1, 2], novel(10, 40))
    expect(gain.speedUp).toBe(1)
  })

  it('is counted with what passes over more rows cost', () => {
    const text = novel(0, 120)
    const speedUp = (isSoftware: boolean) => {
      const gain = new LookupGain({ costs: declaredCosts({ parameterRatio: 0, isSoftware }) })
      gain.add([...text, 500, 0], text.slice(1))
      return gain.speedUp!
    }
    expect(speedUp(true)).toBeLessThan(speedUp(false))
  })

  it('does not gain by drafts that turn out wrong, and hardly loses by them: they are soon no longer made', () => {
    // Every other token was there before, and something else came after it.
    const misleading = Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? 7 : 1000 + i))
    const gain = new LookupGain({ costs: declaredCosts({ parameterRatio: 0, isSoftware: true }) })
    gain.add([7, 5], misleading)
    expect(gain.speedUp).toBeGreaterThan(0.9)
    expect(gain.speedUp).toBeLessThanOrEqual(1)
  })
})
