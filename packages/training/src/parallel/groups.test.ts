import { describe, expect, it } from 'vitest'
import { drawnGroups, groupSeed, type MaskGroup, spacedGroups } from './groups'

/** Two answers of a row, of 12 and of 3 places. */
const counts = [0, 0, ...new Array<number>(12).fill(1), 0, 0, 0, 1, 1, 1, 0]
const settings = { draftLength: 5, ratio: 0.5, minimum: 0.2 }

/** Groups with k masks or more, for k = 1 and so on. */
const perPlace = (groups: readonly MaskGroup[]) =>
  [1, 2, 3, 4].map((k) => groups.filter(({ masks }) => masks >= k).length)

describe('the groups of a row', () => {
  it('thin out place by place by the ratio, down to the least share of the places that have room', () => {
    // Room for 1 to 4 masks: 11 + 2, 10 + 1, 9 and 8 places; ⌈share · room⌉ with shares 0.5, 0.25, 0.2 (not 0.125) and 0.2.
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const most = [7, 3, 2, 2]
      for (const [i, count] of perPlace(drawnGroups(counts, settings, seed)).entries())
        expect(count).toBeLessThanOrEqual(most[i]!)
      expect(perPlace(drawnGroups(counts, settings, seed))[0]).toBe(7)
    }
    expect(perPlace(drawnGroups(counts, { ...settings, ratio: 1 }, 1))).toEqual([13, 11, 9, 8])
  })

  it('stay within their answer, each behind a place that counts, in order', () => {
    for (let seed = 0; seed < 20; seed++) {
      const groups = drawnGroups(counts, { ...settings, ratio: 0.9 }, seed)
      expect(groups.map(({ anchor }) => anchor)).toEqual(groups.map(({ anchor }) => anchor).sort((a, b) => a - b))
      for (const { anchor, masks } of groups)
        expect(counts.slice(anchor, anchor + masks + 1)).toEqual(new Array(masks + 1).fill(1))
    }
    expect(drawnGroups([0, 1, 0, 1, 0], settings, 1)).toEqual([])
  })

  it('are those of their seed, which is another for every run, step and row', () => {
    const drawn = (seed: number) => JSON.stringify(drawnGroups(counts, settings, seed))
    expect(drawn(groupSeed(1, 2, 48))).toBe(drawn(groupSeed(1, 2, 48)))
    const seeds = [groupSeed(1, 2, 48), groupSeed(2, 2, 48), groupSeed(1, 3, 48), groupSeed(1, 2, 72)]
    expect(new Set(seeds).size).toBe(4)
    expect(new Set(seeds.map(drawn)).size).toBe(4)
  })

  it('come to every place as often as to any other', () => {
    const row = new Array<number>(6).fill(1)
    const hits = new Array<number>(6).fill(0)
    for (let seed = 0; seed < 600; seed++)
      for (const { anchor } of drawnGroups(row, { draftLength: 2, ratio: 0.4, minimum: 0 }, groupSeed(7, seed, 0)))
        hits[anchor]!++
    expect(hits[5]).toBe(0) // nothing is behind it
    for (const count of hits.slice(0, 5)) expect(Math.abs(count - 240)).toBeLessThan(60) // 5 standard deviations
  })

  it('are whole and evenly spaced for figures, and take twice as many masks as there are places at most', () => {
    expect(spacedGroups(counts, 5)).toEqual([
      { anchor: 2, masks: 4 },
      { anchor: 4, masks: 4 },
      { anchor: 6, masks: 4 },
      { anchor: 8, masks: 4 },
      { anchor: 10, masks: 3 },
      { anchor: 12, masks: 1 },
      { anchor: 18, masks: 1 },
    ])
    for (const draftLength of [2, 3, 6, 15]) {
      const masks = spacedGroups(new Array(100).fill(1), draftLength).reduce((sum, { masks }) => sum + masks, 0)
      expect(masks).toBeLessThanOrEqual(200)
      expect(masks).toBeGreaterThan(85)
    }
  })
})
