import { expect, it } from 'vitest'
import type { TokenConstraint } from './constraint'
import { ConstraintPath } from './constraint-path'

/** Allows one more than was said last, and 7, which ends. */
class Counting implements TokenConstraint {
  asked = { clones: 0 }
  constructor(private last = 0) {}
  allowed() {
    return Uint32Array.of((1 << (this.last + 1)) | (1 << 7))
  }
  accept(token: number) {
    this.last = token
  }
  clone() {
    this.asked.clones++
    const copy = new Counting(this.last)
    copy.asked = this.asked
    return copy
  }
}

it('says what is allowed along a draft, works out each place once, and goes another way where the draft does', () => {
  const constraint = new Counting()
  let worked = 0
  const wordsOf = (one: TokenConstraint) => {
    worked++
    return new Uint32Array(one.allowed()!)
  }
  const path = new ConstraintPath({ constraint, allowed: wordsOf(constraint), endTokens: [7], wordsOf })
  const next = (id: number) => Uint32Array.of((1 << id) | (1 << 7))
  expect([0, 1, 2, 1].map((count) => path.behind([1, 2, 3], count))).toEqual([next(1), next(2), next(3), next(2)])
  expect(path.behind([1, 2, 3], 3)).toEqual(next(4))
  expect([worked, constraint.asked.clones]).toEqual([4, 1])
  expect(path.behind([1, 3], 2)).toBeUndefined() // not allowed
  expect(path.behind([1, 7, 1], 2)).toBeUndefined() // at its end
  expect(path.behind([1, 2], 2)).toEqual(next(3))
  expect(constraint.allowed()).toEqual(next(1))
})
