import type { DataSource, DatasetRow } from '../formats/row'

/** Rows that a program already has, as a source. */
export function rows(list: readonly DatasetRow[], name = 'rows in memory'): DataSource {
  return {
    name,
    async *[Symbol.asyncIterator]() {
      yield* list
    },
  }
}

/** Plain texts, as a source. */
export const texts = (list: readonly string[]): DataSource =>
  rows(
    list.map((text) => ({ kind: 'text', text })),
    'texts in memory',
  )
