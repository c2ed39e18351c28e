import type { Tokenizer } from '../tokenizer/index'

/**
 * The tokens of a vocabulary as a tree of their bytes, laid out in the order in which it is walked: a node's first child is
 * the next node, and what follows its descendants is at `end`.
 */
export interface TokenTrie {
  /** By node: its byte, how many bytes lead to it, and the node behind its descendants. Node 0 is no byte. */
  bytes: Uint8Array
  depths: Uint16Array
  ends: Int32Array
  /** Tokens of node i: `tokens` from `firsts[i]` to `firsts[i + 1]`. */
  firsts: Int32Array
  tokens: Int32Array
  /** Words of 32 bits that hold a bit for every id. */
  words: number
  /** Bytes of the longest token. */
  depth: number
}

/** A token longer than this is never said under a grammar: vocabularies of models have up to some hundred bytes. */
const longestToken = 1024

const tries = new WeakMap<Tokenizer, TokenTrie>()

/** The tree of a tokenizer's tokens, without special ones, which are no text; made once. */
export function tokenTrie(tokenizer: Tokenizer): TokenTrie {
  const known = tries.get(tokenizer) ?? makeTrie(tokenizer)
  tries.set(tokenizer, known)
  return known
}

function makeTrie(tokenizer: Tokenizer): TokenTrie {
  const special = new Set(tokenizer.specialTokens.values())
  const texts: { text: string; id: number }[] = []
  for (let id = 0; id < tokenizer.vocabularySize; id++) {
    if (special.has(id)) continue
    const bytes = tokenizer.tokenBytes(id)
    if (bytes.length > 0 && bytes.length <= longestToken) texts.push({ text: String.fromCharCode(...bytes), id })
  }
  texts.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : a.id - b.id))
  const [bytes, depths, firsts, tokens] = [[0], [0], [0], [] as number[]]
  const ends: number[] = [0]
  /** The nodes from the root to the last text. */
  const path = [0]
  let last = ''
  for (const { text, id } of texts) {
    let shared = 0
    while (shared < last.length && shared < text.length && last[shared] === text[shared]) shared++
    while (path.length > shared + 1) ends[path.pop()!] = bytes.length
    for (let at = shared; at < text.length; at++) {
      path.push(bytes.length)
      bytes.push(text.charCodeAt(at))
      depths.push(at + 1)
      firsts.push(tokens.length)
      ends.push(0)
    }
    tokens.push(id)
    last = text
  }
  for (const node of path) ends[node] = bytes.length
  firsts.push(tokens.length)
  return {
    bytes: Uint8Array.from(bytes),
    depths: Uint16Array.from(depths),
    ends: Int32Array.from(ends),
    firsts: Int32Array.from(firsts),
    tokens: Int32Array.from(tokens),
    words: Math.ceil(tokenizer.vocabularySize / 32),
    depth: texts.reduce((most, { text }) => Math.max(most, text.length), 0),
  }
}
