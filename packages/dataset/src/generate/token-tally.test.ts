import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TokenTally } from './token-tally'

describe('the tally of tokens', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }))
  afterEach(() => vi.useRealTimers())

  it('is told when asked for, and as tokens come ten times a second', () => {
    const told: object[] = []
    const tally = new TokenTally((counts) => told.push(counts))
    tally.tell()
    tally.add({ read: 9, generated: 0 })
    expect(told).toEqual([{ tokens: 0, promptTokens: 0, seconds: 0 }])
    vi.advanceTimersByTime(200)
    tally.add({ read: 0, generated: 3 })
    tally.add({ read: 0, generated: 3 })
    expect(told.slice(1)).toEqual([{ tokens: 3, promptTokens: 9, seconds: 0.2 }])
    tally.tell()
    expect(told.slice(2)).toEqual([{ tokens: 6, promptTokens: 9, seconds: 0.2 }])
  })
})
