import type { Example } from './example'

/** The answers of examples, each as its tokens: runs of those that are to be learned, the end of a turn among them. */
export function* answersOf(examples: Iterable<Example>): Generator<number[]> {
  for (const { tokens, lossMask } of examples)
    for (let begin = lossMask.indexOf(1); begin >= 0; ) {
      const after = lossMask.indexOf(0, begin)
      const end = after < 0 ? tokens.length : after
      yield tokens.slice(begin, end)
      begin = lossMask.indexOf(1, end)
    }
}
