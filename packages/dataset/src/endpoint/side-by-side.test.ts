import { describe, expect, it } from 'vitest'
import { sideBySide } from './side-by-side'

const items = Array.from({ length: 100 }, (_, i) => i)

describe('sideBySide', () => {
  it('gives everything once, as it is done, and begins nothing far ahead of what is not', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    const begun: number[] = []
    const given: number[] = []
    const act = async (item: number) => {
      begun.push(item)
      if (item === 0) await held
      return item
    }
    for await (const item of sideBySide(items, 2, act)) {
      given.push(item)
      if (given.length === 15) {
        // The first is not done: sixteen may have begun, and no more.
        expect(begun).toEqual(items.slice(0, 16))
        release()
      }
    }
    expect(given).toHaveLength(100)
    expect(given.toSorted((a, b) => a - b)).toEqual(items)
    expect(given.indexOf(0)).toBe(15)
  })

  it('calls off what is under way where one fails, and where the reader leaves', async () => {
    let calledOff = 0
    const act = (item: number, signal: AbortSignal) =>
      new Promise<number>((resolve, reject) => {
        if (item === 1) setTimeout(() => reject(new Error('no')), 2)
        else if (item === 10) resolve(item)
        else signal.addEventListener('abort', () => reject(signal.reason instanceof Error && ++calledOff))
      })
    await expect(sideBySide([0, 1, 2], 3, act).next()).rejects.toThrow('no')
    expect(calledOff).toBe(2)
    for await (const item of sideBySide([10, 11, 12], 3, act)) {
      expect(item).toBe(10)
      break
    }
    expect(calledOff).toBe(4)
  })
})
