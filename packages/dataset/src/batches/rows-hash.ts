import type { Example } from '../tokenize/example'

/** So many examples are hashed at once. */
const examplesAtOnce = 4096

/** A hash of what examples teach, their tokens and masks in their order, 32 hexadecimal digits: a chain of SHA-256. */
export async function rowsHash(examples: readonly Example[]): Promise<string> {
  let digest = new Uint8Array(32)
  for (let begin = 0; begin < examples.length; begin += examplesAtOnce) {
    const words: number[] = []
    for (const { tokens, lossMask } of examples.slice(begin, begin + examplesAtOnce)) {
      words.push(tokens.length)
      for (const [i, token] of tokens.entries()) words.push(token, lossMask[i]!)
    }
    const numbers = new Uint8Array(Float64Array.from(words).buffer) // masks are weights, and need not be whole
    const linked = new Uint8Array(digest.length + numbers.length)
    linked.set(digest)
    linked.set(numbers, digest.length)
    digest = new Uint8Array(await crypto.subtle.digest('SHA-256', linked))
  }
  return Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
