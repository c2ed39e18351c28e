import { describe, expect, it } from 'vitest'
import { InTurn } from './in-turn'

describe('values in turn', () => {
  it('come in order, as soon as all before them have', () => {
    const inTurn = new InTurn<string>()
    const given = [3, 0, 2, 4, 1, 5].map((turn) => inTurn.add(turn, `${turn}`).join(''))
    expect(given).toEqual(['', '0', '', '', '1234', '5'])
  })
})
