import { idOf, type Vocabulary } from './symbols'

/** The pieces of bytes (`<0xE2>`), which stand for characters that a vocabulary lacks. */
export class ByteIds {
  readonly #ids: readonly number[]
  /** Characters met last. */
  readonly #met = new Map<string, readonly number[] | undefined>()

  constructor(vocabulary: Vocabulary) {
    this.#ids = Array.from({ length: 256 }, (_, byte) =>
      idOf(vocabulary, `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
    )
  }

  /** The ids of a text's bytes; undefined where one has none. */
  of(text: string): readonly number[] | undefined {
    if (this.#met.has(text)) return this.#met.get(text)
    const bytes = Array.from(utf8.encode(text), (byte) => this.#ids[byte]!)
    const ids = bytes.includes(-1) ? undefined : bytes
    if (this.#met.size >= mostMet) this.#met.clear()
    // Of a long run of unknown characters (Unigram's), every one is another.
    if (text.length <= 8) this.#met.set(text, ids)
    return ids
  }
}

const mostMet = 4096

const utf8 = new TextEncoder()
