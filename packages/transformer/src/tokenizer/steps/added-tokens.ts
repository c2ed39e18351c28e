import { space, word } from './characters'

/** A token that is found in a text before anything else is done to it, as tokenizer.json lists it. */
export interface AddedToken {
  id: number
  content: string
  /** Only where no letter, digit or mark stands beside it. */
  single_word: boolean
  /** It takes the white space before it. */
  lstrip: boolean
  rstrip: boolean
}

/** Where an added token stands in a text, the white space that it takes included; or a stretch without any. */
export interface Stretch {
  token: number | undefined
  start: number
  end: number
}

/**
 * Finds added tokens: at each place the longest, from the left. `single_word`, `lstrip` and `rstrip` are heeded as in Hugging
 * Face's tokenizers 0.23 (added_vocabulary.rs).
 */
export class AddedTokens {
  readonly #root: Node = { next: new Map() }

  /** Of several tokens with the same text, the first is found. */
  constructor(tokens: Iterable<AddedToken>) {
    for (const token of tokens) {
      let node = this.#root
      for (let i = 0; i < token.content.length; i++) {
        const unit = token.content.charCodeAt(i)
        const next = node.next.get(unit) ?? { next: new Map() }
        node.next.set(unit, next)
        node = next
      }
      if (token.content !== '') node.token ??= token
    }
  }

  /** The whole text, in its order. */
  split(text: string): Stretch[] {
    const stretches: Stretch[] = []
    let done = 0
    for (let at = 0; at < text.length; ) {
      const token = this.#longestAt(text, at)
      if (!token) {
        at++
        continue
      }
      let [start, end] = [at, at + token.content.length]
      at = end
      if (token.single_word && (endsWithWord(text, start) || startsWithWord(text, end))) continue
      if (token.lstrip) while (start > done && isSpace.test(text[start - 1]!)) start--
      if (token.rstrip) while (end < text.length && isSpace.test(text[end]!)) end++
      if (start > done) stretches.push({ token: undefined, start: done, end: start })
      stretches.push({ token: token.id, start, end })
      done = end
    }
    if (done < text.length) stretches.push({ token: undefined, start: done, end: text.length })
    return stretches
  }

  #longestAt(text: string, at: number): AddedToken | undefined {
    let node: Node | undefined = this.#root
    let longest: AddedToken | undefined
    for (let i = at; i < text.length; i++) {
      node = node.next.get(text.charCodeAt(i))
      if (!node) break
      longest = node.token ?? longest
    }
    return longest
  }
}

interface Node {
  next: Map<number, Node>
  token?: AddedToken
}

const isSpace = new RegExp(`^[${space}]$`, 'u')
const wordBefore = new RegExp(`[${word}]$`, 'u')
const wordAfter = new RegExp(`^[${word}]`, 'u')

const endsWithWord = (text: string, end: number) => wordBefore.test(text.slice(Math.max(0, end - 2), end))
const startsWithWord = (text: string, start: number) => wordAfter.test(text.slice(start, start + 2))
