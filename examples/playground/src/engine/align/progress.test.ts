import { expect, it } from 'vitest'
import { StagePace } from './progress'

it('what is left goes by the pace lately, tokens by all the time, and the first that is told of says what was there', () => {
  let now = 0
  const pace = new StagePace(() => now)
  expect(pace.at(10, 50)).toEqual({ done: 10, total: 50 })
  now = 3000 // it compiles
  expect(pace.at(11, 50)).toMatchObject({ rate: 1 / 3 })
  for (let done = 12; done <= 20; done++) {
    now += 1000
    pace.at(done, 50)
  }
  expect(pace.at(20, 50, 240)).toEqual({ done: 20, total: 50, rate: 1, secondsLeft: 30, tokensPerSecond: 20 })
})
