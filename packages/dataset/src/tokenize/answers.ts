import type { DataSource } from '../formats/row'
import { useRow } from '../formats/use-row'
import type { Example, Speaker } from './example'
import { exampleOf } from './tokenize'

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

/**
 * The answers of a source, row by row, each as its tokens; of a row of text, the text. Memory holds one row at a time.
 *
 * @throws OutriderError what reading and tokenising throw, with file and line; where the source lets rows be bad, they are passed
 *   over
 */
export async function* answersIn(source: DataSource, speaker: Speaker): AsyncGenerator<number[]> {
  for await (const row of source) {
    const found = useRow(source, row, () =>
      row.kind === 'text'
        ? [speaker.tokenizer.encode(row.text)]
        : [...answersOf([exampleOf(row, source.name, speaker)])],
    )
    yield* found ?? []
  }
}
