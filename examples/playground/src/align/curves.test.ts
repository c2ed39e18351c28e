import { describe, expect, it } from 'vitest'
import { pointsOf, runningMean } from './curves'
import { durationOf } from './durations'

describe('the points of a run', () => {
  it('count the steps of all trainings in one line; what was held out joins its step', () => {
    const points = pointsOf([
      {
        offset: 0,
        entries: [
          { step: 1, loss: 5 },
          { step: 2, loss: 4 },
          { step: 2, eval_loss: 4.5, eval_acceptance_rate: 0.1, eval_acceptance_length: { 3: 1.1 } },
        ],
      },
      { offset: 2, entries: [{ step: 1, loss: 0.9, acceptance_rate: 0.2 }] },
    ])
    expect(points.map(({ step, loss }) => [step, loss])).toEqual([
      [1, 5],
      [2, 4],
      [3, 0.9],
    ])
    expect(points[1]).toMatchObject({ heldOutLoss: 4.5, heldOutAcceptanceRate: 0.1, acceptanceLength: { 3: 1.1 } })
    expect(points[2]).toMatchObject({ acceptanceRate: 0.2, heldOutLoss: null })
  })
})

describe('runningMean', () => {
  it('is over the values up to a place, and passes over those that are not there', () => {
    expect(runningMean([1, 3, null, 5, 7], 3)).toEqual([1, 2, null, 4, 6])
    expect(runningMean([], 3)).toEqual([])
  })
})

describe('durations', () => {
  it('are as exact as an estimate deserves', () => {
    expect([0.2, 42.4, 61, 119.9, 754, 7500].map(durationOf)).toEqual([
      '1 s',
      '42 s',
      '1 min 0 s',
      '2 min 0 s',
      '12 min',
      '2 h 5 min',
    ])
  })
})
