import type { Tuning } from '@outrider/tensor'
import { expect, it } from 'vitest'
import { resultOf } from './tuning'

const weights = (
  standard: 'dot' | 'tiled64x64',
  chosen: 'dot' | 'tiled64x64',
  milliseconds: Tuning['weights'][number]['milliseconds'],
  wrong: Tuning['weights'][number]['wrong'] = [],
) => ({ key: 'linear 8x8 f32', rows: 64, standard, chosen, milliseconds, wrong })

it('what tuning came to is the time of all shapes before over that after', () => {
  const one = weights('dot', 'tiled64x64', { dot: 4, tiled64x64: 2 })
  const other = weights('dot', 'dot', { dot: 2, tiled64x64: 3 })
  const result = resultOf({ weights: [one, other], notReached: ['linear 9x9 f32'], kernels: {} })
  expect(result).toEqual({ timed: 2, notReached: 1, chosen: 1, gain: 0.5, wrong: [] })
  expect(resultOf({ weights: [other], notReached: [], kernels: {} })).toMatchObject({ chosen: 0, gain: 0 })
  expect(resultOf({ weights: [], notReached: ['linear 9x9 f32'], kernels: {} })).toMatchObject({ timed: 0, gain: 0 })
  const wrong = weights('dot', 'tiled64x64', { tiled64x64: 3 }, ['dot'])
  expect(resultOf({ weights: [wrong, one], notReached: [], kernels: {} })).toMatchObject({
    chosen: 2,
    gain: (3 + 4) / (3 + 2) - 1,
    wrong: ['linear 8x8 f32: dot'],
  })
})
