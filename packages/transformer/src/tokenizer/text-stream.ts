interface TextStreamParts {
  /** The text of ids as a whole. */
  decode: (ids: number[]) => string
  /** Whether an id has text at all: special tokens do not. */
  hasText: (id: number) => boolean
  /** The bytes an id stands for, undefined where it is text of its own. */
  bytes: (id: number) => readonly number[] | undefined
  context: readonly number[]
}

/**
 * Decodes ids one after another. What an id adds to a text depends on its neighbours (a space is dropped at the beginning,
 * bytes join to a character), so each text is the difference between decoding the last ids with and without the new ones.
 */
export class TextStream {
  readonly #parts: TextStreamParts
  /** The ids whose text was given last: enough of the past to know what the next ones add. */
  #given: number[] = []
  /** Ids whose text ends inside a character. */
  #held: number[] = []
  /** Up to 3 bytes before the next id, if it is bytes that they lead up to. */
  #lastBytes: number[] = []

  constructor(parts: TextStreamParts) {
    this.#parts = parts
    // As if they had come: a character that the context begins and does not finish is held, for the next ids to finish.
    for (const id of lastWithText(parts)) this.push(id)
  }

  /** The text that is certain now. */
  push(id: number): string {
    if (!this.#parts.hasText(id)) return ''
    this.#held.push(id)
    const bytes = this.#parts.bytes(id)
    this.#lastBytes = bytes ? [...this.#lastBytes, ...bytes].slice(-3) : []
    if (endsInsideCharacter(this.#lastBytes)) return ''
    const text = this.#added()
    this.#given = this.#held
    this.#held = []
    return text
  }

  /** What is left at the end; of a character that was begun and not finished, nothing. */
  end(): string {
    if (this.#held.length === 0) return ''
    const text = this.#added().replace(/\uFFFD$/, '')
    this.#held = []
    this.#lastBytes = []
    return text
  }

  #added(): string {
    const { decode } = this.#parts
    return decode([...this.#given, ...this.#held]).slice(decode(this.#given).length)
  }
}

/** A character has at most 4 bytes: 8 ids reach back over one, and its predecessor. */
function lastWithText({ context, hasText }: TextStreamParts): number[] {
  const last: number[] = []
  for (let i = context.length - 1; i >= 0 && last.length < 8; i--) if (hasText(context[i]!)) last.push(context[i]!)
  return last.reverse()
}

/** Whether bytes end in the beginning of a UTF-8 character that further bytes could complete (Unicode 15, table 3-7). */
function endsInsideCharacter(bytes: readonly number[]): boolean {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const lead = bytes[bytes.length - back]!
    if (lead >= 0x80 && lead < 0xc0) continue
    const length =
      lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 1
    if (length <= back) return false
    const second = bytes[bytes.length - back + 1]
    return second === undefined || canFollow(lead, second)
  }
  return false
}

function canFollow(lead: number, second: number): boolean {
  if (lead === 0xe0) return second >= 0xa0
  if (lead === 0xed) return second < 0xa0
  if (lead === 0xf0) return second >= 0x90
  if (lead === 0xf4) return second < 0x90
  return true
}
