import { codePointBefore } from './code-points'
import { PairTable } from './pair-table'
import type { CharacterIds } from './symbols'

/**
 * Places that no merge can cross. A merge of A and B needs A's last character beside B's first one: between two characters
 * that are beside each other in no merge, a word can be cut, and its parts encoded apart to the same ids. (In Llama 2's
 * vocabulary: before almost every space.)
 */
export class MergeBounds {
  readonly #characters: CharacterIds
  /** Characters, by their ids, that some merge brings together. */
  readonly #together = new PairTable(4096)

  constructor(pairs: readonly (readonly [string, string])[], characters: CharacterIds) {
    this.#characters = characters
    for (const [left, right] of pairs) {
      const last = characters.get(codePointBefore(left, left.length))
      const first = characters.get(right.codePointAt(0)!)
      if (last !== -1 && first !== -1) this.#together.set(last, first, 0)
    }
  }

  /** The first such place after another, or the end. */
  next(word: string, from: number): number {
    let left = -1
    for (let at = from; at < word.length; ) {
      const codePoint = word.codePointAt(at)!
      const right = this.#characters.get(codePoint)
      // What is unknown becomes bytes, or one unknown token with its neighbours: that stays whole.
      if (left !== -1 && right !== -1 && this.#together.get(left, right) === -1) return at
      left = right
      at += codePoint > 0xffff ? 2 : 1
    }
    return word.length
  }
}
