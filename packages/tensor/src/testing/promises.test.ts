import { describe, expect, it } from 'vitest'
import { OutriderError } from '../errors'
import { checkPromises, expectRefused, expectSame } from './promises'

describe('promises of an interface', () => {
  it('are gone through in order, and the first that is broken is named', async () => {
    const seen: number[] = []
    const promises = {
      'it is a number': (x: number) => void seen.push(x),
      'it is even': async (x: number) => expectSame([x % 2], [0], 'the remainder'),
      'it is small': () => expect.unreachable(),
    }
    await expect(checkPromises('three', promises, 3)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'three does not keep a promise: it is even. the remainder: [0] is 1, expected 0',
      details: { promise: 'it is even' },
    })
    expect(seen).toEqual([3])
  })

  it('tell numbers apart to the bit', () => {
    expect(() => expectSame([Number.NaN], [Number.NaN])).not.toThrow()
    expect(() => expectSame([0], [-0])).toThrow('[0] is 0')
    expect(() => expectSame([1], [1, 2])).toThrow('expected 2 elements, got 1')
  })

  it('want errors of a code', async () => {
    const refusing = (code: OutriderError['code']) => () => {
      throw new OutriderError(code, 'no')
    }
    await expectRefused('LOCKED', refusing('LOCKED'))
    await expect(expectRefused('LOCKED', refusing('ABORTED'))).rejects.toThrow(/LOCKED.*no/)
    await expect(expectRefused('LOCKED', () => 1)).rejects.toThrow(/nothing was thrown/)
  })
})
