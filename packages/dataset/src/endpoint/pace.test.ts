import { describe, expect, it } from 'vitest'
import { Pace } from './pace'

const signal = new AbortController().signal
/** Begins all that may begin, and says when. */
const fill = async (pace: Pace) => {
  const begun: number[] = []
  for (let i = pace.limit; i > 0; i--) begun.push(await pace.enter(signal))
  return begun
}

describe('Pace', () => {
  it('doubles by the round until the engine is too busy, then is halved once, and grows by one a round', async () => {
    const pace = new Pace(64)
    expect(pace.limit).toBe(4)
    for (const begun of await fill(pace)) pace.answered(begun, 1, begun + 10)
    expect(pace.limit).toBe(8)
    const busy = await fill(pace)
    for (const begun of busy) pace.tooMuch(begun, 0)
    expect(pace.limit).toBe(4)
    for (const begun of await fill(pace)) pace.answered(begun, 1, begun + 10)
    expect(pace.limit).toBe(4)
    for (const begun of await fill(pace)) pace.answered(begun, 1, begun + 10)
    expect(pace.limit).toBe(5)
  })

  it('goes neither below one nor above what it may', async () => {
    const pace = new Pace(5)
    for (const begun of await fill(pace)) pace.answered(begun, 1, begun + 10)
    expect(pace.limit).toBe(5)
    for (let i = 0; i < 5; i++) pace.tooMuch(await pace.enter(signal))
    expect(pace.limit).toBe(1)
  })

  it('does not grow while a token takes four times what it took at best', async () => {
    const pace = new Pace(64)
    const begun = await fill(pace)
    pace.answered(begun[0]!, 10, begun[0]! + 100)
    expect(pace.limit).toBe(5)
    pace.answered(begun[1]!, 10, begun[1]! + 410)
    expect(pace.limit).toBe(5)
    pace.answered(begun[2]!, 10, begun[2]! + 390)
    expect(pace.limit).toBe(6)
  })

  it('has nothing begin until the pause is over that the engine asked for', async () => {
    const pace = new Pace(4)
    const begun = await pace.enter(signal)
    const now = performance.now()
    pace.tooMuch(begun, 0.05, now)
    expect(await pace.enter(signal)).toBeGreaterThanOrEqual(now + 50)
  })

  it('lets those who wait go on as others leave, and go when they are called off', async () => {
    const pace = new Pace(1)
    await pace.enter(signal)
    let entered = false
    const waiting = pace.enter(signal).then(() => (entered = true))
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(entered).toBe(false)
    pace.leave()
    await waiting
    const stop = new AbortController()
    const called = pace.enter(stop.signal)
    stop.abort(new Error('enough'))
    pace.leave()
    await expect(called).rejects.toThrow('enough')
  })
})
