import { isEndOfPair } from './code-points'

/** The pieces of a model by their text, without what objects inherit. */
export type Vocabulary = Readonly<Record<string, number>>

/** The id of a piece; −1 where there is none. */
export const idOf = (vocabulary: Vocabulary, piece: string): number =>
  Object.hasOwn(vocabulary, piece) ? vocabulary[piece]! : -1

/** Ids of pieces of one character, found without making a text of it. */
export class CharacterIds {
  readonly #basic = new Int32Array(0x10000).fill(-1)
  readonly #others = new Map<number, number>()

  constructor(vocabulary: Vocabulary) {
    for (const [piece, id] of Object.entries(vocabulary)) {
      if (piece.length === 1) this.#basic[piece.charCodeAt(0)] = id
      else if (piece.length === 2 && isEndOfPair(piece, 1)) this.#others.set(piece.codePointAt(0)!, id)
    }
  }

  /** The id of a code point, or −1. */
  get(codePoint: number): number {
    return codePoint < 0x10000 ? this.#basic[codePoint]! : (this.#others.get(codePoint) ?? -1)
  }
}
